// Each test has namespaces of its own.
[assembly: Parallelize(Workers = 2, Scope = ExecutionScope.MethodLevel)]
