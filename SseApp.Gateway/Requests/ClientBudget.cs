using System.Runtime.InteropServices;

namespace SseApp.Gateway.Requests;

/// <summary>What one client may have. A number of 0 means no limit.</summary>
internal sealed record ClientBudget
{
    public static readonly ClientBudget Unlimited = new();

    /// <summary>Streams open at once.</summary>
    public int Streams { get; init; }

    /// <summary>Distinct topics of its streams.</summary>
    public int Topics { get; init; }

    /// <summary>TCP connections open at once.</summary>
    public int Connections { get; init; }

    /// <summary>Reads of topics and histories under way at once.</summary>
    public int ReadsAtOnce { get; init; }

    /// <summary>Opening streams.</summary>
    public Rate Connects { get; init; }

    /// <summary>Publishing, in events.</summary>
    public Rate Events { get; init; }

    /// <summary>Publishing, in bytes that are stored.</summary>
    public Rate StoredBytes { get; init; }

    /// <summary>Reading topics and histories.</summary>
    public Rate Reads { get; init; }

    /// <summary>Reading topics and histories, in bytes of their answers.</summary>
    public Rate ReadBytes { get; init; }

    /// <summary>Refusals that are answered without delay.</summary>
    public Rate Refusals { get; init; }
}

/// <param name="PerSecond">Tokens that are refilled each second; 0: no limit.</param>
/// <param name="Burst">Tokens that a full bucket holds.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Rate(int PerSecond, int Burst)
{
    public bool IsLimited => PerSecond > 0;

    /// <summary>Ticks of the clock in which this many tokens are refilled.</summary>
    public long Ticks(long tokens, TimeProvider time) => time.TimestampFrequency * tokens / PerSecond;

    /// <summary>Tokens that are not there yet if the bucket is full after so many ticks.</summary>
    public long Tokens(long ticks, TimeProvider time) => (long)Math.Min(Math.Ceiling((double)ticks * PerSecond / time.TimestampFrequency), uint.MaxValue);
}
