// Most of a test's time is waiting: for a service, for a keeper, for what must not come. One driver for a machine, and so one imitation for a
// process: the classes that use it run alone; the others have a broker each.
[assembly: Parallelize(Workers = 3, Scope = ExecutionScope.MethodLevel)]
