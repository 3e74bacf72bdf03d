// Real-kernel tests count this process's threads and name things in /run: one at a time.
[assembly: DoNotParallelize]
