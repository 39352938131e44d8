"""Access control lists: users, what each may do, and the record of what was refused."""
