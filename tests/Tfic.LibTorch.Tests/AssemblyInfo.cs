// Seeds, thread counts and the count of live tensors belong to the process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
