// Allocations are measured, and the choice of rows is one for the whole process: one test after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
