using System.Runtime.ExceptionServices;
using ILGPU.Runtime;

namespace ILGPU;

/// <summary>The order in which a group's threads get their turn between two barriers.</summary>
public enum TurnOrder
{
    Ascending,
    Descending,
}

/// <summary>
/// One launch of a kernel. Groups run one after another; the threads of a group are real threads of which exactly one
/// runs at a time, from barrier to barrier, in a given order. So a run is deterministic, and a kernel that lacks a
/// barrier reads what no thread has written yet in one order or the other.
/// </summary>
internal sealed class Launch
{
    private readonly Action _kernel;
    private readonly TurnOrder _order;
    private readonly SemaphoreSlim _back = new(0);
    private readonly List<object> _shared = [];
    private volatile Exception? _failure;

    private Launch(KernelConfig config, TurnOrder order, Action kernel)
    {
        Config = config;
        _order = order;
        _kernel = kernel;
    }

    public KernelConfig Config { get; }

    public int Group { get; private set; }

    public static void Run(KernelConfig config, TurnOrder order, Action kernel) =>
        new Launch(config, order, kernel).Run();

    private void Run()
    {
        GroupThread[] threads = [.. Enumerable.Range(0, Config.GroupDim).Select(i => new GroupThread(this, i))];
        if (_order == TurnOrder.Descending)
            Array.Reverse(threads);
        try
        {
            for (Group = 0; Group < Config.GridDim && _failure is null; Group++)
            {
                _shared.Clear();
                foreach (GroupThread thread in threads)
                    thread.StartGroup();
                RunGroup(threads);
            }
        }
        finally
        {
            foreach (GroupThread thread in threads)
                thread.End();
        }

        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
    }

    private void RunGroup(GroupThread[] threads)
    {
        while (_failure is null)
        {
            foreach (GroupThread thread in threads)
            {
                thread.TakeTurn();
                _back.Wait();
                if (_failure is not null)
                    return;
            }

            int waiting = threads.Count(thread => thread.IsAtBarrier);
            if (waiting == 0)
                return;
            if (waiting < threads.Length)
            {
                _failure = new InvalidOperationException(
                    $"{waiting} of {threads.Length} threads of group {Group} wait at a barrier that the others passed by.");
            }
        }
    }

    public void RunKernel() => _kernel();

    public void GiveBack() => _back.Release();

    public void Fail(Exception failure) => _failure = failure;

    public ArrayView<T> Share<T>(int ordinal, int extent)
        where T : unmanaged
    {
        if (ordinal == _shared.Count)
            _shared.Add(ArrayView<T>.Uninitialised(extent));
        return _shared[ordinal] is ArrayView<T> view && view.Length == extent
            ? view
            : throw new InvalidOperationException("Threads of one group allocate different shared memory.");
    }
}

/// <summary>One thread of a group: it sleeps until it has its turn and gives the turn back at a barrier.</summary>
internal sealed class GroupThread
{
    [ThreadStatic]
    private static GroupThread? s_current;

    private readonly SemaphoreSlim _turn = new(0);
    private readonly Thread _thread;
    private int _sharedCount;
    private bool _ended;

    public GroupThread(Launch launch, int index)
    {
        Launch = launch;
        Index = index;
        _thread = new Thread(Loop, 256 * 1024) { IsBackground = true };
        _thread.Start();
    }

    public static GroupThread Current =>
        s_current ?? throw new InvalidOperationException("This can be called in a kernel only.");

    public Launch Launch { get; }

    public int Index { get; }

    public bool IsAtBarrier { get; private set; }

    public void StartGroup() => _sharedCount = 0;

    public void TakeTurn() => _turn.Release();

    public void End()
    {
        _ended = true;
        _turn.Release();
        _thread.Join();
    }

    public ArrayView<T> Share<T>(int extent)
        where T : unmanaged => Launch.Share<T>(_sharedCount++, extent);

    public void WaitAtBarrier()
    {
        IsAtBarrier = true;
        Launch.GiveBack();
        _turn.Wait();
        IsAtBarrier = false;
        if (_ended)
            throw new OperationCanceledException();
    }

    private void Loop()
    {
        s_current = this;
        while (true)
        {
            _turn.Wait();
            if (_ended)
                return;
            try
            {
                Launch.RunKernel();
            }
            catch (OperationCanceledException) when (_ended)
            {
                return;
            }
            catch (Exception e)
            {
                Launch.Fail(e);
            }

            Launch.GiveBack();
        }
    }
}
