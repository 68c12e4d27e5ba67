namespace SseApp.Gateway.Refusals;

/// <summary>
/// Requests that were right and that this gateway could not serve, since it started. What the client alone is to blame
/// for, such as an address that is denied or a body over the limit, is in the metric but not here.
/// </summary>
internal sealed class RefusalTotal
{
    private long _total;

    public long Value => Interlocked.Read(ref _total);

    public void Add() => Interlocked.Increment(ref _total);
}
