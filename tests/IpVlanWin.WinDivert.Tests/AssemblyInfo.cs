// One driver for a machine, and so one imitation for a process.
[assembly: DoNotParallelize]
