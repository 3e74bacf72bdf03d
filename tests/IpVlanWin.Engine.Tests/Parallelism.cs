// Classes share nothing; each keeps to its own thread, which the allocation tests rely on.
[assembly: Parallelize(Scope = ExecutionScope.ClassLevel)]
