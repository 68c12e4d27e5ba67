namespace SseApp.Gateway.Streams;

internal static class StreamsExtensions
{
    /// <summary>Adds the drain of the gateway's own streams when it stops.</summary>
    public static void AddStreams(this IServiceCollection services) => services.AddDrain<StreamDrain>();
}
