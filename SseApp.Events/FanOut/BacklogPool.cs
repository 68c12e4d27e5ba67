namespace SseApp.Events.FanOut;

/// <summary>The backlogs of one shard: what they hold together, and those that wait for a connection that needs one.</summary>
internal sealed class BacklogPool
{
    private const int MaxSpare = 64;

    private readonly Stack<Backlog> _spare = new();

    /// <summary>Bytes in all backlogs.</summary>
    public long Bytes { get; set; }

    public Backlog Rent() => _spare.TryPop(out var spare) ? spare : new Backlog(this);

    public void Return(Backlog backlog)
    {
        backlog.Reset();
        if (_spare.Count < MaxSpare && backlog.IsReusable)
        {
            _spare.Push(backlog);
        }
    }
}
