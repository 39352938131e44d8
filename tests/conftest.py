"""What all tests share: hypothesis measures no time, for on a busy machine any example may be slow."""

from hypothesis import settings

settings.register_profile("hognose", deadline=None)
settings.load_profile("hognose")
