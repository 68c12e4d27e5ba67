using SseApp.Bench.Generator;

namespace SseApp.Pictures;

/// <summary>Streams and publishes on a thread of their own. A stream that ended stays away, so that a lost replica can be seen.</summary>
internal sealed class StreamLoad : IDisposable
{
    private const int Topics = 30;
    private const int EventsPerSecond = 30;
    private const int Publishers = 4;
    private const int Size = 200;

    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly LoadSession _session;
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _running;

    public StreamLoad(Uri gateway, int streams)
    {
        Libc.RequireFiles(streams, $"{streams} streams", "--streams");
        _session = new LoadSession(new LoadPlan(Target.Ours(gateway), streams, Topics, LanesPerTopic: 1, Publishers, Size), Console.WriteLine, _stop.Token);
        _running = Task.Factory.StartNew(Run, _stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Streams that are open now.</summary>
    public int Open => _session.Loop.Open;

    /// <summary>Completes when all streams are open and have had an event.</summary>
    public Task Opened => _opened.Task;

    public void Dispose()
    {
        _stop.Cancel();
        _running.ContinueWith(static _ => { }, TaskScheduler.Default).Wait();
        _session.Dispose();
        _stop.Dispose();
    }

    private void Run()
    {
        try
        {
            _session.Open();
            _opened.SetResult();
            _session.Loop.Run(() => _stop.IsCancellationRequested, s_longest, new SteadyPlan(_session.Loop.Lanes, EventsPerSecond));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            _opened.TrySetException(exception);
            throw;
        }
    }
}
