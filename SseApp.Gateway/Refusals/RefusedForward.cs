namespace SseApp.Gateway.Refusals;

/// <summary>This gateway itself did not forward a request; no replica is to blame, and none other can help.</summary>
internal sealed class RefusedForward(Refusal refusal) : IForwarderErrorFeature
{
    public static readonly RefusedForward OpenFiles = new(Refusal.OpenFiles);

    public Refusal Refusal => refusal;

    public ForwarderError Error => ForwarderError.NoAvailableDestinations;

    public Exception? Exception => null;
}
