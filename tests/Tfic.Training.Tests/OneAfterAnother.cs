// torch has one random generator for the whole process: tests that seed it must not run side by side.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
