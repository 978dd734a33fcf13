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
    private readonly GroupThread[] _threads;
    private readonly AutoResetEvent _groupDone = new(false);
    private readonly List<object> _shared = [];
    private Exception? _failure;
    private int _turn;

    private Launch(KernelConfig config, TurnOrder order, Action kernel)
    {
        Config = config;
        _kernel = kernel;
        _threads = [.. Enumerable.Range(0, config.GroupDim).Select(i => new GroupThread(this, i))];
        if (order == TurnOrder.Descending)
            Array.Reverse(_threads);
    }

    public KernelConfig Config { get; }

    public int Group { get; private set; }

    public static void Run(KernelConfig config, TurnOrder order, Action kernel) =>
        new Launch(config, order, kernel).Run();

    private void Run()
    {
        for (Group = 0; Group < Config.GridDim && _failure is null; Group++)
        {
            _shared.Clear();
            foreach (GroupThread thread in _threads)
                thread.StartGroup();
            _turn = 0;
            _threads[0].TakeTurn();
            _groupDone.WaitOne();
        }

        foreach (GroupThread thread in _threads)
            thread.End();
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
    }

    public void RunKernel() => _kernel();

    /// <summary>Ends the launch after this group.</summary>
    public void Fail(Exception failure) => _failure = failure;

    /// <summary>
    /// Called by the thread that has the turn, at a barrier or when it is through: the next one has it. After the last
    /// one the group is done, or all are at the barrier and go on from there.
    /// </summary>
    public void PassTurn()
    {
        if (_failure is null && ++_turn == _threads.Length)
        {
            _turn = 0;
            int waiting = _threads.Count(thread => thread.IsAtBarrier);
            if (waiting == 0)
            {
                _groupDone.Set();
                return;
            }

            if (waiting < _threads.Length)
            {
                _failure = new InvalidOperationException(
                    $"{waiting} of {_threads.Length} threads of group {Group} wait at a barrier that the others passed by.");
            }
        }

        if (_failure is null)
            _threads[_turn].TakeTurn();
        else
            _groupDone.Set();
    }

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

    // Not a semaphore, whose waiters spin first: the wait lasts until all other threads have had their turn.
    private readonly AutoResetEvent _turn = new(false);
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

    public void TakeTurn() => _turn.Set();

    public void End()
    {
        _ended = true;
        _turn.Set();
        _thread.Join();
    }

    public ArrayView<T> Share<T>(int extent)
        where T : unmanaged => Launch.Share<T>(_sharedCount++, extent);

    public void WaitAtBarrier()
    {
        IsAtBarrier = true;
        Launch.PassTurn();
        _turn.WaitOne();
        IsAtBarrier = false;
        if (_ended)
            throw new OperationCanceledException();
    }

    private void Loop()
    {
        s_current = this;
        while (true)
        {
            _turn.WaitOne();
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

            Launch.PassTurn();
        }
    }
}
