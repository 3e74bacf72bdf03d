// The guest takes one processor, planting faults the other.
[assembly: Parallelize(Workers = 2, Scope = ExecutionScope.ClassLevel)]
