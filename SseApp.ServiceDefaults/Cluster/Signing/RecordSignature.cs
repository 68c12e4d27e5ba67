using System.Text;

namespace SseApp.ServiceDefaults.Cluster.Signing;

/// <summary>
/// Signs what lies in Redis or goes over its channels and steers processes: HMAC-SHA256 over kind, place, time and body. The
/// body is an object in JSON, and the signature becomes its first member, so that a process of a release without signatures
/// can still read it.
/// </summary>
internal sealed class RecordSignature(GatewayKeys keys, TimeProvider time)
{
    /// <summary>
    /// How old a signature may be, and how far ahead of this process's clock: the clocks of a cluster may differ by less than
    /// this, minus the time that a record takes.
    /// </summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private const string Begin = "{\"signature\":\"";
    private const string End = "\",";

    /// <summary>Whether what is signed now is signed with two keys: what lies here for long has to be signed again.</summary>
    public bool KeysChange => keys.Change;

    /// <param name="kind">What it is, a <see cref="ForgedKind"/>: a record is no command.</param>
    /// <param name="place">Its key or channel: what is for one replica, or one cluster on the server, is not for another.</param>
    /// <param name="body">An object in JSON with at least one member, without spaces between the brace and the member.</param>
    public string Sign(string kind, string place, string body) => Sign(kind, place, body, time.GetUtcNow());

    /// <summary>
    /// What is kept for longer than keys change, and is signed with the previous one alone, as the keys of now sign it: when the
    /// previous one is gone nobody would believe it. Null for what the current key has signed.
    /// </summary>
    /// <param name="kind">What it is.</param>
    /// <param name="place">Its key or channel.</param>
    /// <param name="record">As it was read.</param>
    public string? Renew(string kind, string place, SignedRecord record) => record.IsCurrent ? null : Sign(kind, place, record.Body, record.At);

    private string Sign(string kind, string place, string body, DateTimeOffset time)
    {
        var at = time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        return $"{Begin}{at}.{keys.Sign(Message(kind, place, at, body))}{End}{body.AsSpan(1)}";
    }

    /// <summary>Null, and why, for what nobody with the key has written for this kind and place.</summary>
    public SignedRecord? Verify(string kind, string place, string? text, out string fault)
    {
        fault = "it is not signed";
        if (text is null || !text.StartsWith(Begin, StringComparison.Ordinal) || text.IndexOf(End, Begin.Length, StringComparison.Ordinal) is not (> 0 and var end))
        {
            return null;
        }

        var signature = text[Begin.Length..end];
        var dot = signature.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0 || !long.TryParse(signature.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var at) || at > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
        {
            return null;
        }

        fault = "it is signed with another key, or for something else";
        var body = string.Concat("{", text.AsSpan(end + End.Length));
        return keys.Verify(Message(kind, place, signature[..dot], body), signature.AsSpan(dot + 1), out var current)
            ? new SignedRecord(DateTimeOffset.FromUnixTimeMilliseconds(at), body, signature, current)
            : null;
    }

    /// <summary>As <see cref="Verify"/>, and null for what is older than <see cref="Lifetime"/>, or as far ahead.</summary>
    public SignedRecord? VerifyCurrent(string kind, string place, string? text, out string fault)
    {
        if (Verify(kind, place, text, out fault) is not { } record)
        {
            return null;
        }

        fault = AgeFault(record.At) ?? "";
        return fault.Length == 0 ? record : null;
    }

    /// <summary>Why something signed then counts no more, or not yet; null if it counts.</summary>
    public string? AgeFault(DateTimeOffset at)
    {
        var age = time.GetUtcNow() - at;
        return age.Duration() <= Lifetime
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"by the clock of this machine it was signed {Math.Abs(age.TotalSeconds):0} s {(age > TimeSpan.Zero ? "ago" : "ahead of now")}");
    }

    // The length keeps a place that ends as a body begins from being taken for another.
    private static string Message(string kind, string place, string at, string body) =>
        string.Create(CultureInfo.InvariantCulture, $"sse-record\n{kind}\n{at}\n{Encoding.UTF8.GetByteCount(place)}\n{place}\n{body}");
}

/// <summary>What was signed, when, its signature, by which a repetition is known, and whether the current key made it.</summary>
internal sealed record SignedRecord(DateTimeOffset At, string Body, string Signature, bool IsCurrent);
