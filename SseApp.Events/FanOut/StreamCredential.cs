using System.Text;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.FanOut;

/// <summary>
/// The credential that a stream lives by. Its client is told a minute before the end, or at half of what is left if that is less,
/// and the stream ends up to five seconds before the end, never after: a class of tokens that were made together does not
/// end in one moment. Belongs to the loop of the stream's shard.
/// </summary>
internal sealed class StreamCredential
{
    private static readonly TimeSpan s_warning = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_spread = TimeSpan.FromSeconds(5);

    // The shard looks at its times four times a second, and the last bytes have to be sent.
    private static readonly TimeSpan s_margin = TimeSpan.FromMilliseconds(500);

    private readonly long _warnAt;
    private bool _told;

    private StreamCredential(Principal principal, long warnAt, long endAt)
    {
        Principal = principal;
        _warnAt = warnAt;
        EndAt = endAt;
    }

    public Principal Principal { get; }

    /// <summary>Time stamp of the stream's end; the maximum for a credential without one.</summary>
    public long EndAt { get; }

    /// <summary>Time stamp of what is due next.</summary>
    public long NextAt => _told ? EndAt : _warnAt;

    /// <param name="principal">Who has the stream; null is returned for who sent no credential.</param>
    /// <param name="time">Its clock says when the credential ends.</param>
    public static StreamCredential? Create(Principal principal, TimeProvider time)
    {
        if (principal.Kind == CredentialKind.None)
        {
            return null;
        }

        if (principal.ExpiresAt is not { } expires)
        {
            return new(principal, long.MaxValue, long.MaxValue);
        }

        var now = time.GetTimestamp();
        var left = expires - time.GetUtcNow();
        var warning = left / 2 < s_warning ? left / 2 : s_warning;
        var early = s_margin + (Shorter(s_spread - s_margin, left / 4) * Random.Shared.NextDouble());
        return new(principal, now + Ticks(left - warning), now + Ticks(left - early));

        static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

        long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
    }

    /// <summary>Whether the client knows that it ends.</summary>
    public bool IsTold => _told;

    /// <summary>The event that says so; afterwards <see cref="NextAt"/> is the end.</summary>
    public byte[] Tell()
    {
        _told = true;
        return Encoding.ASCII.GetBytes($$"""
            event: stream.token-expiring
            data: {"expiresAt":"{{Principal.ExpiresAt!.Value.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}}"}


            """);
    }
}
