using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Chaos;

/// <summary>
/// A page that has a stream of a numbered topic and of one that only its user may read, and a credential with which it connects: until
/// it is told that it ends, unless it never gets a new one.
/// </summary>
internal sealed class SecuredPage : IAsyncDisposable
{
    // Nothing that lasts begins in it.
    private static readonly long s_lastSecond = Stopwatch.Frequency;

    private readonly Func<PageCredential> _next;
    private EventSourceClient _source;
    private readonly List<(int Number, long Ends)> _numbers = [];
    private readonly List<string> _faults = [];
    private PageCredential _credential;
    private bool _wantsNext;
    private bool _told;
    private int _openedBefore;
    private int _own;
    private volatile int _last = -1;
    private volatile bool _ended;
    private int _expired;
    private int _keptOut;

    /// <param name="client">Of the gateway or a replica.</param>
    /// <param name="user">Its own topic is <see cref="TopicOf"/> this.</param>
    /// <param name="topic">The topic that it has in common with others.</param>
    /// <param name="next">Makes a credential.</param>
    public SecuredPage(HttpClient client, string user, NumberedTopic topic, Func<PageCredential> next)
    {
        User = user;
        Topic = topic;
        _next = next;
        _credential = next();
        _source = EventSourceClient.Open(client, $"/events?topic={topic.Name}&topic={TopicOf(user)}", Take, Connect);
    }

    public string User { get; }

    public NumberedTopic Topic { get; }

    /// <summary>Gets a new credential when the one that it has ends.</summary>
    public bool Renews { get; set; }

    public int Opened => _source.Opened;

    /// <summary>Refusals for another reason than its credential.</summary>
    public int Refused => _source.Refused;

    /// <summary>Why it gave up for ever.</summary>
    public string? Closed => _source.Closed;

    /// <summary>Streams that ended with their credential.</summary>
    public int Expired => Volatile.Read(ref _expired);

    /// <summary>How often it was told that its credential counts no more, although it has not ended.</summary>
    public int KeptOut => Volatile.Read(ref _keptOut);

    public bool IsStreaming => Opened > Volatile.Read(ref _openedBefore) && !_ended;

    /// <summary>The newest number that came.</summary>
    public int Last => _last;

    /// <summary>Events of its own topic.</summary>
    public int Own => Volatile.Read(ref _own);

    public static string TopicOf(string user) => $"user.{user}.in";

    /// <summary>What its own topic gets as the event of this number.</summary>
    public static string DataOf(string user, int number) => string.Create(CultureInfo.InvariantCulture, $"for {user}: {number}");

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>
    /// What is wrong with what came; after <see cref="DisposeAsync"/>. Each number once and in order, up to where it was kept out, and none
    /// on a stream whose credential had ended before it was published.
    /// </summary>
    public IEnumerable<string> Faults(bool all)
    {
        var faults = _faults.ToList();
        if (Closed is not null)
        {
            faults.Add($"was closed for ever: {Closed}");
        }

        for (var i = 0; i < _numbers.Count && faults.Count == 0; i++)
        {
            if (_numbers[i].Number != i)
            {
                faults.Add($"got {_numbers[i].Number} in place of {i}");
            }
            else if (Topic.Begun[i] > _numbers[i].Ends)
            {
                faults.Add($"got {i}, which was published {Stopwatch.GetElapsedTime(_numbers[i].Ends, Topic.Begun[i]).TotalMilliseconds:0} ms after the end of its token");
            }
        }

        if (all && _numbers.Count != Topic.Count)
        {
            faults.Add($"got {_numbers.Count} of {Topic.Count}");
        }

        return faults.Select(fault => $"The page of {User} {fault}.");
    }

    private void Connect(EventSourceClient source, HttpRequestMessage request)
    {
        // It may be here before the constructor has it.
        _source = source;
        if (Renews && (_wantsNext || _credential.Ends <= Stopwatch.GetTimestamp()))
        {
            _credential = _next();
            _wantsNext = false;
        }

        _told = false;
        Volatile.Write(ref _openedBefore, Opened);
        _ended = false;
        request.Headers.TryAddWithoutValidation(_credential.Header, _credential.Value);
    }

    private void Take(SseEvent received)
    {
        if (_ended)
        {
            _faults.Add($"got {received} after the end");
        }

        switch (received.Type)
        {
            case "stream.token-expiring":
                _told = true;
                _wantsNext = true;
                break;
            case AccessRefusal.EventName:
                TakeEnd(JsonSerializer.Deserialize<JsonElement>(received.Data).GetProperty("reason").GetString()!);
                break;
            case "message" when received.Data.StartsWith(Topic.Name, StringComparison.Ordinal):
                _last = int.Parse(received.Data.AsSpan(Topic.Name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture);
                _numbers.Add((_last, _credential.Ends));
                break;
            case "message" when received.Data == DataOf(User, _own):
                Interlocked.Increment(ref _own);
                break;
            default:
                _faults.Add($"got {received}, and expected number {_own} of its own topic");
                break;
        }
    }

    private void TakeEnd(string reason)
    {
        if (reason != AuthReason.TokenExpired)
        {
            _ended = true;
            Interlocked.Increment(ref _keptOut);
            return;
        }

        if (IsStreaming)
        {
            if (!_told)
            {
                _faults.Add("was not told before its token ended");
            }

            Interlocked.Increment(ref _expired);
        }
        else if (_credential.Ends > Stopwatch.GetTimestamp() + s_lastSecond)
        {
            _faults.Add("was refused for the end of a token that had not ended");
        }

        _ended = true;
    }
}

/// <summary>A header with a credential.</summary>
/// <param name="Header">Its name.</param>
/// <param name="Value">Its value.</param>
/// <param name="Ends">Time stamp of the credential's end.</param>
internal sealed record PageCredential(string Header, string Value, long Ends = long.MaxValue)
{
    /// <summary>A token in the cookie, as a browser sends it.</summary>
    public static PageCredential Cookie(string token) => new("Cookie", $"{SessionCookie.Name}={token}");

    /// <summary>The same of a token that lives so long.</summary>
    public static PageCredential Cookie(Func<Action<Dictionary<string, object>>, string> make, TimeSpan life)
    {
        var (now, stamp) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp());
        var exp = (now + life).ToUnixTimeSeconds();
        var token = make(claims => claims["exp"] = exp);
        return Cookie(token) with { Ends = stamp + (long)((DateTimeOffset.FromUnixTimeSeconds(exp) - now).TotalSeconds * Stopwatch.Frequency) };
    }
}
