"""Configuration as redis-server does it: files, command line, CONFIG GET, SET and REWRITE. No sockets, no event loop.

In reading order:

    directives/   the table: every directive with its kind, default, flags and purpose
    kinds         yes/no, integers, memory, strings, words; how each is parsed, shown and written
    specials      save points, buffer limits, addresses and other values with rules of their own
    grammar       text to words: files, command line, environment
    settings      the values in force as plain typed attributes, which is all that most of the server ever sees
    store         Config: CONFIG GET and CONFIG SET, with all-or-nothing changes
    loader        start-up
    rewrite       CONFIG REWRITE
    reference     docs/configuration.md
    errors        what is said when something is wrong

A server starts like this:

    line = parse_command_line(sys.argv[1:])
    config = Config()
    warnings = load(config, line.path, stdin_text, os.environ, line.options, checks)
    config.on_change("port", listener.rebind)
    ... config.settings.maxclients ...
"""
