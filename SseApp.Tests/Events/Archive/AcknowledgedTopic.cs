namespace SseApp.Tests.Events.Archive;

/// <summary>What was acknowledged of a topic, in its order, what of that may be missing, and what is to be read of it.</summary>
internal sealed class AcknowledgedTopic(string name)
{
    private readonly List<AcknowledgedEvent> _events = [];

    public string Name => name;

    public IReadOnlyList<AcknowledgedEvent> Events => _events;

    /// <summary>In the order in which they were begun.</summary>
    public Epoch[] Epochs => [.. _events.Select(acknowledged => acknowledged.Position.Epoch).Distinct()];

    /// <summary>Data of the next event: its place among all.</summary>
    public string NextData => string.Create(CultureInfo.InvariantCulture, $"{name}-{_events.Count}");

    public void Add(Position position, string? key)
    {
        Assert.Equal(_events is [.., var last] && last.Position.Epoch == position.Epoch ? last.Position.Offset + 1 : 1, position.Offset);
        _events.Add(new AcknowledgedEvent(NextData, _events.Count, key, position));
    }

    public IEnumerable<AcknowledgedEvent> Of(Epoch epoch) => _events.Where(acknowledged => acknowledged.Position.Epoch == epoch);

    /// <summary>What a stream has when all is quiet: everything that can be read from a position, or the oldest event, on, and exact gaps.</summary>
    public List<string> Expected(Position? seen)
    {
        var expected = new List<string>();
        // One of which nothing is left has no place among the others.
        var epochs = Array.FindAll(Epochs, epoch => Readable(epoch).Any());
        var index = seen is { } position ? Array.IndexOf(epochs, position.Epoch) : 0;
        var after = seen?.Offset ?? Readable(epochs[0]).First().Position.Offset - 1;
        if (index < 0)
        {
            index = epochs.Length - 1;
            ChangeEpoch();
        }

        while (true)
        {
            foreach (var readable in Readable(epochs[index]).Where(readable => readable.Position.Offset > after))
            {
                if (readable.Position.Offset > after + 1)
                {
                    expected.Add(Gap("expired", after + 1, readable.Position.Offset - 1));
                }

                if (!readable.IsErased)
                {
                    expected.Add(readable.Data);
                }

                after = readable.Position.Offset;
            }

            if (++index == epochs.Length)
            {
                return expected;
            }

            ChangeEpoch();
        }

        void ChangeEpoch()
        {
            expected.Add(Gap("epoch", after + 1, null));
            after = 0;
        }
    }

    /// <summary>What a stream had of the topic; two gaps that meet are one.</summary>
    public List<string> Read(IEnumerable<SseEvent> events)
    {
        var read = new List<string>();
        (long From, long To)? last = null;
        foreach (var received in events)
        {
            if (received.Type != "stream.gap")
            {
                if (received.Data.StartsWith($"{name}-", StringComparison.Ordinal))
                {
                    read.Add(received.Data);
                    last = null;
                }

                continue;
            }

            var gap = JsonSerializer.Deserialize<JsonElement>(received.Data);
            if (gap.GetProperty("topic").GetString() != name)
            {
                continue;
            }

            var (reason, from, to) = (gap.GetProperty("reason").GetString()!, Number(gap.GetProperty("from")), Number(gap.GetProperty("to")));
            if (to is not null && from is not null && last?.To + 1 == from)
            {
                from = last!.Value.From;
                read.RemoveAt(read.Count - 1);
            }

            last = from is { } begin && to is { } end ? (begin, end) : null;
            read.Add(Gap(reason, from, to));
        }

        return read;

        static long? Number(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetInt64() : null;
    }

    /// <summary>
    /// A stream that was open while everything happened has each event once and in order; what is missing of those that could be read
    /// is nothing, and in the place of the others is a gap. Null, or what is wrong.
    /// </summary>
    /// <param name="read">See <see cref="Read"/>.</param>
    /// <param name="next">The place of the first event that it wants, or an earlier one that it got.</param>
    public string? FindFault(IReadOnlyList<string> read, int next)
    {
        var places = _events.ToDictionary(acknowledged => acknowledged.Data, acknowledged => acknowledged.Place, StringComparer.Ordinal);
        next = Math.Min(next, read.Where(places.ContainsKey).Select(data => places[data]).FirstOrDefault(next));
        var hasGap = false;
        foreach (var item in read)
        {
            if (!places.TryGetValue(item, out var place))
            {
                hasGap = true;
                continue;
            }

            if (place < next)
            {
                return $"{item} came again, or late.";
            }

            for (var skipped = next; skipped < place; skipped++)
            {
                if (!_events[skipped].IsErased && !(hasGap && (_events[skipped].MayBeLost || _events[skipped].MayBeSkipped || IsAllLost(next - 1))))
                {
                    return $"{_events[skipped]} did not come before {item}{(hasGap ? ", and could be read" : ", and there is no gap")}.";
                }
            }

            (next, hasGap) = (place + 1, false);
        }

        return next == _events.Count ? null : $"{_events[next]} did not come.";
    }

    /// <summary>Who was in an epoch of which nothing was ever archived goes on with the newest one: it has no place among the others.</summary>
    private bool IsAllLost(int place) => place >= 0 && Of(_events[place].Position.Epoch).All(other => other.MayBeLost);

    private IEnumerable<AcknowledgedEvent> Readable(Epoch epoch) => Of(epoch).Where(acknowledged => acknowledged.IsReadable);

    private static string Gap(string reason, long? from, long? to) => string.Create(CultureInfo.InvariantCulture, $"gap {reason} {from}-{to}");
}

/// <summary>An event that a publisher was told to be stored.</summary>
internal sealed class AcknowledgedEvent(string data, int place, string? key, Position position)
{
    public string Data => data;

    /// <summary>Among all of its topic.</summary>
    public int Place => place;

    public string? Key => key;

    public Position Position => position;

    public bool IsErased { get; set; }

    public bool IsDeleted { get; set; }

    /// <summary>Something happened that may cost it.</summary>
    public bool MayBeLost { get; set; }

    /// <summary>Somebody who comes before that is noticed may get a gap in its place, although it is archived.</summary>
    public bool MayBeSkipped { get; set; }

    /// <summary>It is in Redis or archived when all is quiet.</summary>
    public bool IsReadable { get; set; }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{data} (offset {position.Offset}, key {key ?? "none"})");
}
