using System.Buffers;

namespace SseApp.Gateway.LiveState;

/// <summary>The last quarter of an hour, a point a second, so that a console that is opened has its charts at once. Of one gateway; its end is theirs.</summary>
internal sealed class ClusterHistory
{
    public const int Length = 15 * 60;

    private readonly Lock _gate = new();
    private readonly Queue<ClusterPoint> _points = new(Length);
    private long _count;

    /// <returns>The point's number, from 1.</returns>
    public long Add(ClusterPoint point)
    {
        lock (_gate)
        {
            if (_points.Count == Length)
            {
                _points.Dequeue();
            }

            _points.Enqueue(point);
            return ++_count;
        }
    }

    /// <summary>
    /// <c>{"columns":[…],"replicas":[ids],"points":[[…],…]}</c>, and the number of the last point. As large as what happened:
    /// about 100 kB for three replicas.
    /// </summary>
    public (byte[] Json, long Last) Write()
    {
        ClusterPoint[] points;
        long last;
        lock (_gate)
        {
            points = [.. _points];
            last = _count;
        }

        var ids = points.SelectMany(point => point.Replicas).Select(replica => replica.Id).Distinct(StringComparer.Ordinal).ToArray();
        var numbers = ids.Index().ToDictionary(id => id.Item, id => id.Index, StringComparer.Ordinal);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            Write(json, ids);
            json.WriteStartArray("points"u8);
            foreach (var point in points)
            {
                point.Write(json, id => numbers[id]);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return (buffer.WrittenSpan.ToArray(), last);
    }

    /// <summary>Writes what the arrays of points mean.</summary>
    public static void Write(Utf8JsonWriter json, IEnumerable<string> replicas)
    {
        Write(json, "columns", ClusterPoint.Columns);
        Write(json, "replicas", replicas);
    }

    private static void Write(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
