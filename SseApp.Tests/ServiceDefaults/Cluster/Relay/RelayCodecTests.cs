namespace SseApp.Tests.ServiceDefaults.Cluster.Relay;

public sealed class RelayCodecTests
{
    private static readonly Gen<KeyValuePair<string, string>[]> s_headers =
        Gen.Select(Gen.String[Gen.Char.AlphaNumeric, 1, 20], Gen.String, (name, value) => KeyValuePair.Create(name, Clean(value))).Array[0, 8];

    [Fact]
    public void Requests_and_heads_are_read_back_as_they_were_written() =>
        Gen.Select(Gen.Int, Gen.String[Gen.Char['!', '~'], 0, 40], s_headers, Gen.Int[200, 599]).Sample((id, text, headers, status) =>
        {
            var target = "/" + text;
            var buffer = new SendBuffer(16);
            new RelayOpen(id, target, headers).Write(buffer);
            var open = RelayOpen.Read(buffer.Payload);
            Assert.Equal((id, target), (open.Id, open.Target));
            Assert.Equal(headers, open.Headers);

            buffer.Clear();
            new RelayHead(id, status, headers).Write(buffer);
            var head = RelayHead.Read(buffer.Payload);
            Assert.Equal((id, status), (head.Id, head.Status));
            Assert.Equal(headers, head.Headers);

            var bytes = System.Text.Encoding.UTF8.GetBytes(text);
            buffer.Clear();
            new RelayRequest(id, target, headers, bytes).Write(buffer);
            var request = RelayRequest.Read(buffer.Payload);
            Assert.Equal((id, target), (request.Id, request.Target));
            Assert.Equal(headers, request.Headers);
            Assert.Equal(bytes, request.Body.ToArray());

            buffer.Clear();
            new RelayAnswer(id, status, headers, bytes).Write(buffer);
            var answer = RelayAnswer.Read(buffer.Payload);
            Assert.Equal((id, status), (answer.Id, answer.Status));
            Assert.Equal(headers, answer.Headers);
            Assert.Equal(bytes, answer.Body.ToArray());
        });

    [Fact]
    public void Every_stream_gets_its_bytes_in_order_whatever_is_joined_split_and_held_back() =>
        Gen.Select(
            Gen.Select(Gen.Int[0, 5], Gen.Int[0, 3], Gen.Int[0, 9]).Array[0, 60],
            Gen.Int[1, 400],
            Gen.Int[1, 50]).Sample((steps, window, piece) =>
        {
            using var connection = new MemoryStream();
            var output = new RelayOutput(connection, window);
            var frames = new long[6];
            var expected = new Dictionary<int, List<byte>>();
            SendBuffer[] sources = [.. Enumerable.Range(0, 4).Select(i => Filled($"bytes {i}."))];
            var received = new RelayRecorder();
            var (read, cost) = (0, 0L);
            foreach (var (stream, source, action) in steps)
            {
                if (action == 0)
                {
                    output.Append(RelayFrameType.End, stream);
                    List(expected, stream).Add((byte)'!');
                }
                else if (action < 7)
                {
                    // The same bytes for several streams, as a shard writes them.
                    for (var id = stream; id < 6; id += action)
                    {
                        Add(output, frames, id, sources[source]);
                        List(expected, id).AddRange(sources[source].Payload);
                    }
                }
                else if (action == 7)
                {
                    output.Flush();
                }
                else
                {
                    read += received.Feed(connection.ToArray().AsSpan(read), piece);
                    output.Acknowledge(received.Cost - cost);
                    cost = received.Cost;
                }
            }

            // What the window held back goes when the peer is done with the rest.
            while (true)
            {
                output.Flush();
                var more = received.Feed(connection.ToArray().AsSpan(read), piece);
                if (more == 0)
                {
                    break;
                }

                read += more;
                output.Acknowledge(received.Cost - cost);
                cost = received.Cost;
            }

            Assert.Equal(connection.Length, read);
            Assert.Equal(expected.Where(stream => stream.Value.Count > 0).OrderBy(stream => stream.Key).Select(stream => (stream.Key, Text(stream.Value))),
                received.Streams.OrderBy(stream => stream.Key).Select(stream => (stream.Key, Text(stream.Value))));
        });

    [Fact]
    public void Bytes_for_many_streams_travel_once_and_frames_that_wait_become_one()
    {
        using var connection = new MemoryStream();
        var output = new RelayOutput(connection, window: 1);
        var frames = new long[100];
        var payload = Filled(new string('x', 1000));
        output.Append(RelayFrameType.End, 1000);
        output.Flush();
        var before = connection.Length;

        for (var batch = 0; batch < 3; batch++)
        {
            payload.Clear();
            payload.Advance(0);
            "0123456789"u8.CopyTo(payload.GetSpan(10));
            payload.Advance(10);
            for (var id = 0; id < 100; id++)
            {
                Add(output, frames, id, payload);
            }

            // The window is full: nothing goes out.
            output.Flush();
        }

        Assert.Equal(before, connection.Length);
        output.Acknowledge(long.MaxValue);
        var received = new RelayRecorder();
        received.Feed(connection.ToArray(), int.MaxValue);
        Assert.Equal(1, received.DataFrames);
        Assert.Equal(30 + (100 * 4) + RelayProtocol.HeaderLength + 4, connection.Length - before);
        Assert.All(received.Streams.Where(stream => stream.Key < 100), stream => Assert.Equal("012345678901234567890123456789", Text(stream.Value)));
    }

    [Fact]
    public void A_stream_that_gets_the_same_bytes_twice_and_others_twice_gets_them_in_order()
    {
        using var connection = new MemoryStream();
        var output = new RelayOutput(connection, long.MaxValue);
        var frames = new long[100];
        foreach (var buffer in new[] { Filled("a"), Filled("b") })
        {
            Add(output, frames, 2, buffer);
            Add(output, frames, 1, buffer);
            Add(output, frames, 2, buffer);
            Add(output, frames, 1, Filled(Text([.. buffer.Payload])));
        }

        output.Flush();
        var received = new RelayRecorder();
        received.Feed(connection.ToArray(), int.MaxValue);
        Assert.Equal([(1, "aabb"), (2, "aabb")], received.Streams.OrderBy(stream => stream.Key).Select(stream => (stream.Key, Text(stream.Value))));
    }

    [Fact]
    public void Damaged_frames_are_refused_and_never_misread_beyond_their_length() =>
        Gen.Select(Gen.Byte.Array[1, 200], Gen.Int[0, 400], Gen.Byte, s_headers).Sample((noise, at, value, headers) =>
        {
            using var connection = new MemoryStream();
            var output = new RelayOutput(connection, long.MaxValue);
            var frames = new long[6];
            output.Append(RelayFrameType.Head, new RelayHead(1, 200, headers), static (writer, head) => head.Write(writer));
            Add(output, frames, 1, Filled("data: x\n\n"));
            output.Append(RelayFrameType.End, 1);
            output.Flush();
            var bytes = connection.ToArray();
            bytes[at % bytes.Length] = value;

            foreach (var damaged in new[] { bytes, noise })
            {
                try
                {
                    new RelayRecorder().Feed(damaged, int.MaxValue);
                }
                catch (RelayProtocolException exception)
                {
                    Assert.NotEmpty(exception.Message);
                }
            }
        });

    // Held back or not: what was given is taken.
    private static void Add(RelayOutput output, long[] frames, int id, SendBuffer buffer)
    {
        var taken = output.AppendData(id, ref frames[id], buffer).AsTask();
        Assert.True(!taken.IsCompleted || taken.GetAwaiter().GetResult());
    }

    private static List<byte> List(Dictionary<int, List<byte>> streams, int id) =>
        streams.TryGetValue(id, out var list) ? list : streams[id] = [];

    private static string Text(List<byte> bytes) => System.Text.Encoding.UTF8.GetString([.. bytes]);

    // Lone surrogates cannot be in a header.
    private static string Clean(string text) => new([.. text.Where(character => !char.IsSurrogate(character) && character is not ('\r' or '\n' or '\0'))]);

    private static SendBuffer Filled(string text)
    {
        var buffer = new SendBuffer(16);
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        bytes.CopyTo(buffer.GetSpan(bytes.Length));
        buffer.Advance(bytes.Length);
        return buffer;
    }
}
