// Each test has namespaces of its own, and mostly waits.
[assembly: Parallelize(Workers = 4, Scope = ExecutionScope.MethodLevel)]
