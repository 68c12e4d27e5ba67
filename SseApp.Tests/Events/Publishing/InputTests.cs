namespace SseApp.Tests.Events.Publishing;

/// <summary>
/// What becomes of bodies that are not what the protocol asks for: with a 2xx all that its answer does not report as failed is
/// stored as it was meant; with any other status nothing is. Bodies are written in Latin-1, a character a byte.
/// </summary>
public sealed class InputTests(PublishingReplica replica) : IClassFixture<PublishingReplica>
{
    private const string Mark = "\u00EF\u00BB\u00BF";

    private static readonly string s_deep = new string('[', 70) + new string(']', 70);

    // Items of a batch that are JSON, and wrong.
    private static readonly string[] s_badItems =
    [
        "7", "null", "\"x\"", "{}", """{"topic":"TOPIC"}""", """{"data":"x"}""", """{"topic":"$","data":"x"}""", """{"topic":7,"data":"x"}""",
        """{"topic":"TOPIC","topics":["TOPIC","$"],"data":"x"}""", """{"topic":"TOPIC","topics":[null],"data":"x"}""",
        """{"topic":"TOPIC","data":"x","data":"y"}""", """{"topic":"other","topic":"TOPIC","data":"x"}""", """{"topic":"TOPIC","data":{"a":1,"a":2}}""",
        """{"topic":"TOPIC","dta":"x"}""", """{"topic":"TOPIC","data":"x","Event":"e"}""", """{"topic":"TOPIC","data":"x","event":"stream.x"}""",
        """{"topic":"TOPIC","data":"x","event":"a\nb"}""", """{"topic":"TOPIC","data":"x","event":"\u0000"}""", """{"topic":"TOPIC","data":"x","key":" "}""",
        """{"topic":"TOPIC","data":"\ud800"}""", """{"topic":"TOPIC","data":"x","event":"\udc00"}""", """{"topic":"\ud800","data":"x"}""",
        """{"topic":"TOPIC","data":"x","\ud800":1}""", "{\"topic\":\"TOPIC\",\"data\":\"\u00FF\"}", "{\"topic\":\"TOPIC\",\"data\":{\"a\":\"\u00ED\u00A0\u0080\"}}",
        "{\"topic\":\"TOPIC\",\"data\":\"x\",\"event\":\"\u00C0\u0080\"}", "{\"topic\":\"TOPIC\",\"data\":\"x\",\"\u00FF\":1}", "{\"topic\":\"TOPIC\",\"data\":" + s_deep + "}",
    ];

    // And some that are none.
    private static readonly string[] s_badLines =
    [
        "nonsense", "\0", "{", "\"", """{"topic":"TOPIC","data":"x" """, """{"topic":"TOPIC","data":"x"} x""", """{"topic":"TOPIC","data":"x"},""",
        """{"topic":"TOPIC","data":"x"}{"topic":"TOPIC","data":"y"}""", """{"topic":"TOPIC","data":"x",}""", """{"topic":"TOPIC",/* */"data":"x"}""",
        """{"topic":"TOPIC","data":"x"} // x""", """{'topic':'TOPIC','data':'x'}""", "{\"topic\":\"TOPIC\",\"data\":\"a\tb\"}", """{"topic":"TOPIC","data":NaN}""", "--boundary",
    ];

    private readonly string _topic = $"t{Guid.NewGuid():N}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("one", null)]
    [InlineData("one", "")]
    [InlineData("one", "text/plain")]
    [InlineData("one", "TEXT/PLAIN; CHARSET=\"UTF-8\"")]
    [InlineData("one", "text/plain;charset=us-ascii")]
    // Parameters that are left out.
    [InlineData("one", "text/plain; ;charset=utf-8;; ")]
    // htmx and Turbo subscribe to pieces of pages.
    [InlineData("<p>one</p>", "text/html; charset=utf-8")]
    [InlineData("<svg/>", "image/svg+xml")]
    [InlineData("{\"a\":1,\"a\":2} x", "application/json")]
    [InlineData("{}", "application/cloudevents+json")]
    [InlineData("<a/>", "application/xml")]
    [InlineData("one", "application/octet-stream")]
    // What curl -d sends.
    [InlineData("a=%20&b+c", "application/x-www-form-urlencoded")]
    [InlineData("", "text/plain")]
    [InlineData("", null)]
    [InlineData(" \t ", "text/plain")]
    [InlineData(Mark + "a " + Mark, "text/plain")]
    [InlineData("a\0\u0001\u000B\u001B\u007Fb", "text/plain")]
    [InlineData("\u00C2\u0085\u00E2\u0080\u00A8", "text/plain")]
    public async Task A_body_of_text_is_stored_byte_for_byte(string body, string? contentType)
    {
        using var answer = await replica.PostAsync($"/topics/{_topic}/events", Encoding.Latin1.GetBytes(body), contentType, "identity");

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal(Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(body)), Assert.Single(await replica.StoredAsync(_topic)));
    }

    [Theory]
    [InlineData("Identity")]
    [InlineData("identity, identity")]
    [InlineData("identity,, ")]
    public async Task A_body_that_is_in_no_coding_however_often_is_stored(string contentEncoding)
    {
        using var answer = await replica.PostAsync($"/topics/{_topic}/events", "one"u8.ToArray(), "text/plain", contentEncoding);

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("one", Assert.Single(await replica.StoredAsync(_topic)));
    }

    [Theory]
    [InlineData("h\u00E4", "text/plain", null, 400, "UTF-8")]
    [InlineData("\u00ED\u00A0\u0080", null, null, 400, "UTF-8")]
    [InlineData("\u00C0\u0080", null, null, 400, "UTF-8")]
    [InlineData("cut \u00E2\u0082", null, null, 400, "UTF-8")]
    [InlineData("h\u00E4", "text/plain; charset=iso-8859-1", null, 415, "charset")]
    [InlineData("a", "application/json; charset=\"UTF-16\"", null, 415, "charset")]
    [InlineData("a", "text/plain; charset=utf-8; charset=utf-16", null, 415, "charset")]
    [InlineData("a", "text/plain;; charset=utf-16", null, 415, "charset")]
    [InlineData("--b--", "multipart/form-data;; boundary=b", null, 415, "multipart/form-data")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n", "multipart/form-data; boundary=b", null, 415, "multipart/form-data")]
    [InlineData("--b--", "Multipart/Mixed; boundary=b", null, 415, "text/plain")]
    [InlineData("a", "message/rfc822", null, 415, "message/rfc822")]
    [InlineData("GIF89a", "image/gif", null, 415, "image/gif")]
    [InlineData("a", "video/mp4", null, 415, "video/mp4")]
    [InlineData("%PDF-1.4", "application/pdf", null, 415, "application/pdf")]
    [InlineData("PK", "application/zip", null, 415, "application/zip")]
    [InlineData("\n\u0001a", "application/vnd.google.protobuf", null, 415, "protobuf")]
    [InlineData("data: one\n\n", "text/event-stream", null, 415, "text/event-stream")]
    [InlineData("a", "json", null, 415, "cannot be read")]
    [InlineData("a", "text/plain, application/json", null, 415, "cannot be read")]
    [InlineData("\u001F\u008B", "text/plain", "gzip", 415, "Content-Encoding")]
    [InlineData("abc", null, "x-snappy", 415, "Content-Encoding")]
    [InlineData("abc", null, "identity, br", 415, "Content-Encoding")]
    public async Task A_body_that_is_not_text_is_refused_alone_and_as_a_batch(string body, string? contentType, string? contentEncoding, int status, string rule)
    {
        using var alone = await replica.PostAsync($"/topics/{_topic}/events", Encoding.Latin1.GetBytes(body), contentType, contentEncoding);
        using var batch = await replica.PostAsync("/publish", Encoding.Latin1.GetBytes($$"""{"topic":"{{_topic}}","data":"{{body}}"}"""), contentType, contentEncoding);

        Assert.Equal((status, status), ((int)alone.StatusCode, (int)batch.StatusCode));
        Assert.Contains(rule, (await ReadAsync(alone)).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains(rule, (await ReadAsync(batch)).GetRawText(), StringComparison.Ordinal);
        Assert.Equal(contentEncoding is null ? [] : ["identity"], alone.Headers.TryGetValues("Accept-Encoding", out var accepted) ? accepted : []);
        Assert.Empty(await replica.StoredAsync(_topic));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("", true)]
    [InlineData("text/plain", true)]
    [InlineData("text/plain;charset=utf-8", true)]
    [InlineData("Text/Plain; Charset=\"UTF-8\"", true)]
    [InlineData("text/html", true)]
    [InlineData("text/csv; header=present", true)]
    [InlineData("text/xml", true)]
    [InlineData("text/markdown", true)]
    [InlineData("application/json", true)]
    [InlineData("application/json; profile=\"x\"", true)]
    [InlineData("application/problem+json", true)]
    [InlineData("application/cloudevents+json; charset=utf-8", true)]
    [InlineData("application/cloudevents-batch+json", true)]
    [InlineData("application/vnd.api+json", true)]
    [InlineData("application/ld+json", true)]
    [InlineData("application/csp-report", true)]
    [InlineData("application/geo+json-seq", true)]
    [InlineData("application/x-ndjson", true)]
    [InlineData("application/jsonl", true)]
    [InlineData("application/xml", true)]
    [InlineData("application/soap+xml; action=\"a\"", true)]
    [InlineData("image/svg+xml", true)]
    [InlineData("application/yaml", true)]
    [InlineData("application/javascript", true)]
    [InlineData("application/graphql", true)]
    [InlineData("application/x-www-form-urlencoded", true)]
    [InlineData("application/octet-stream", true)]
    [InlineData("application/zstd", false)]
    [InlineData("application/x-tar", false)]
    [InlineData("application/x-7z-compressed", false)]
    [InlineData("application/java-archive", false)]
    [InlineData("application/x-bzip2", false)]
    [InlineData("application/x-xz", false)]
    [InlineData("application/vnd.rar", false)]
    [InlineData("application/x-java-serialized-object", false)]
    [InlineData("application/msword", false)]
    [InlineData("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", false)]
    [InlineData("application/vnd.sqlite3", false)]
    [InlineData("application/vnd.apache.parquet", false)]
    [InlineData("application/ogg", false)]
    [InlineData("application/pkcs7-mime", false)]
    [InlineData("application/epub+zip", false)]
    [InlineData("application/senml+cbor", false)]
    [InlineData("application/json+protobuf", false)]
    [InlineData("application/grpc+json", false)]
    [InlineData("application/connect+json", false)]
    [InlineData("application/x-msgpack", false)]
    [InlineData("multipart/x+json", false)]
    [InlineData("font/woff2", false)]
    [InlineData("application/anything", false)]
    public async Task Of_the_types_there_are_those_of_text_are_stored(string? contentType, bool text)
    {
        using var alone = await replica.PostAsync($"/topics/{_topic}/events", "a"u8.ToArray(), contentType);
        using var batch = await replica.PostAsync("/publish", Encoding.UTF8.GetBytes($$"""{"topic":"{{_topic}}","data":"a"}"""), contentType);

        Assert.Equal(text ? (HttpStatusCode.Created, HttpStatusCode.OK) : (HttpStatusCode.UnsupportedMediaType, HttpStatusCode.UnsupportedMediaType), (alone.StatusCode, batch.StatusCode));
        Assert.Equal(text ? 2 : 0, (await replica.StoredAsync(_topic)).Count);
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    [InlineData("utf-32")]
    [InlineData("utf-32BE")]
    public async Task A_body_of_another_coding_is_refused_with_and_without_its_mark(string coding)
    {
        var encoding = Encoding.GetEncoding(coding);
        foreach (var batch in (string[])["{\"topic\":\"TOPIC\",\"data\":\"1\"}\n{\"topic\":\"TOPIC\",\"data\":\"2\"}", """[{"topic":"TOPIC","data":"1"}]"""])
        {
            var body = encoding.GetBytes(batch.Replace("TOPIC", _topic, StringComparison.Ordinal));
            using var marked = await replica.PostAsync("/publish", [.. encoding.GetPreamble(), .. body], null);
            using var bare = await replica.PostAsync("/publish", body, null);

            Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (marked.StatusCode, bare.StatusCode));
            Assert.Contains("send UTF-8", (await ReadAsync(marked)).GetProperty("detail").GetString(), StringComparison.Ordinal);
        }

        using var alone = await replica.PostAsync($"/topics/{_topic}/events", [.. encoding.GetPreamble(), .. encoding.GetBytes("ä")], null);
        Assert.Equal(HttpStatusCode.BadRequest, alone.StatusCode);
        Assert.Empty(await replica.StoredAsync(_topic));
    }

    [Theory]
    [InlineData(Mark + "[1,2]")]
    [InlineData(Mark + "\r\n" + Mark + " [1,2]\r\n")]
    [InlineData("[\n1\n,\n2\n]\n\n")]
    [InlineData(Mark + "1\n2")]
    [InlineData("1\n2\n")]
    [InlineData("1\r\n2\r\n")]
    [InlineData("1\r2\r")]
    [InlineData("\n\r\n1\n\r\n \t\r2\n\n")]
    [InlineData(" 1 \n\t2\t")]
    [InlineData("1\n" + Mark + "2\n" + Mark)]
    [InlineData("1\n" + Mark + "\n" + Mark + Mark + "2")]
    public async Task Marks_and_line_ends_of_any_kind_lose_nothing(string form)
    {
        var body = form.Replace("1", """{"topic":"TOPIC","data":"one"}""", StringComparison.Ordinal)
            .Replace("2", """{"topic":"TOPIC","data":"two"}""", StringComparison.Ordinal)
            .Replace("TOPIC", _topic, StringComparison.Ordinal);

        using var answer = await replica.PostAsync("/publish", Encoding.Latin1.GetBytes(body), "application/json");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var result = await ReadAsync(answer);
        Assert.Equal((2, 0), (result.GetProperty("stored").GetInt32(), result.GetProperty("failed").GetInt32()));
        Assert.Equal(["one", "two"], await replica.StoredAsync(_topic));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \r\n\t")]
    [InlineData(Mark)]
    [InlineData("[")]
    [InlineData("[1")]
    [InlineData("[1,")]
    [InlineData("[1,]")]
    [InlineData("[1]]")]
    [InlineData("[1] x")]
    [InlineData("[1]\n[1]")]
    [InlineData("[1]\n1")]
    [InlineData("[1 1]")]
    [InlineData("[1,{\"topic\":]")]
    [InlineData("[1,nonsense]")]
    [InlineData("[1/* */]")]
    [InlineData("[1]\0")]
    [InlineData("[" + Mark + "1]")]
    [InlineData("[1]" + Mark)]
    public async Task A_batch_that_is_no_array_is_refused_as_a_whole(string form)
    {
        var body = form.Replace("1", $$"""{"topic":"{{_topic}}","data":"one"}""", StringComparison.Ordinal);

        using var answer = await replica.PostAsync("/publish", Encoding.Latin1.GetBytes(body), "application/json");

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.NotEmpty((await ReadAsync(answer)).GetProperty("detail").GetString()!);
        Assert.Empty(await replica.StoredAsync(_topic));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("1e999")]
    [InlineData("{ \"a\" : [ ] }")]
    [InlineData("{\"a\":\"\\ud800\\n\"}")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]")]
    public async Task Data_that_is_JSON_is_stored_as_it_was_written(string json)
    {
        var item = $$"""{"topic":"{{_topic}}","data":{{json}}}""";
        using var array = await replica.PostAsync("/publish", Bytes($"[{item}]"), null);
        using var line = await replica.PostAsync("/publish", Bytes(item), null);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (array.StatusCode, line.StatusCode));
        Assert.Equal([json, json], await replica.StoredAsync(_topic));
    }

    [Fact]
    public async Task An_array_without_items_is_a_batch_of_which_all_is_stored()
    {
        using var answer = await replica.PostAsync("/publish", "[]"u8.ToArray(), "application/json");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("""{"stored":0,"failed":0,"results":[]}""", (await ReadAsync(answer)).GetRawText());
    }

    [Fact]
    public async Task Every_bad_item_fails_alone_and_a_batch_of_bad_items_is_no_success()
    {
        string[] lines = [.. s_badItems, .. s_badLines];
        foreach (var (items, body) in new[] { (s_badItems, "[" + string.Join(',', s_badItems) + "]"), (lines, string.Join('\n', lines)) })
        {
            using var answer = await replica.PostAsync("/publish", Bytes(body), null);

            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            var results = (await ReadAsync(answer)).GetProperty("results").EnumerateArray().ToArray();
            Assert.Equal(items.Length, results.Length);
            Assert.All(results, result => Assert.NotEmpty(result.GetProperty("error").GetString()!));
        }

        Assert.Empty(await replica.StoredAsync(_topic));
    }

    [Theory]
    [InlineData("{0}")]
    [InlineData("[{0}]")]
    public async Task An_item_that_is_too_deep_is_told_how_deep_it_may_be(string batch)
    {
        // The item itself is the first level.
        string Item(int depth) => $$"""{"topic":"{{_topic}}","data":{{new string('[', depth - 1)}}{{new string(']', depth - 1)}}}""";
        using (var answer = await replica.PostAsync("/publish", Bytes(batch.Replace("{0}", Item(64), StringComparison.Ordinal)), null))
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        using var refused = await replica.PostAsync("/publish", Bytes(batch.Replace("{0}", Item(65), StringComparison.Ordinal)), null);
        var error = (await ReadAsync(refused)).GetProperty("results")[0].GetProperty("error").GetString();
        Assert.Equal("An item has at most 64 levels of objects and arrays within each other, itself included; this one has more.", error);
    }

    /// <summary>The letters would be stored as U+FFFD, and who subscribes to the event type would wait for ever.</summary>
    [Theory]
    [InlineData("event=caf%E9", "event")]
    [InlineData("event=a&key=%E9", "key")]
    [InlineData("event=%ED%A0%80", "event")]
    [InlineData("event=%C0%80", "event")]
    [InlineData("EVENT=%FF", "EVENT")]
    [InlineData("%65vent=%FF", "event")]
    [InlineData("event=a%F0%9F%98", "event")]
    public async Task A_parameter_that_is_not_UTF8_is_named_and_nothing_is_stored(string query, string name)
    {
        using var answer = await replica.PostAsync($"/topics/{_topic}/events?{query}", Bytes("x"), "text/plain");

        Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        var detail = (await ReadAsync(answer)).GetProperty("detail").GetString();
        Assert.Contains($"'{name}'", detail, StringComparison.Ordinal);
        Assert.Contains("UTF-8", detail, StringComparison.Ordinal);
        Assert.Empty(await replica.StoredAsync(_topic));
    }

    [Theory]
    [InlineData("event=caf%C3%A9&other=%E9")]
    [InlineData("event=%EF%BF%BD")]
    [InlineData("event=100%25&%E9=%E9")]
    [InlineData("event=50%zz")]
    public async Task A_parameter_of_somebody_else_may_be_anything(string query)
    {
        using var answer = await replica.PostAsync($"/topics/{_topic}/events?{query}", Bytes("x"), "text/plain");

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    [Fact]
    public async Task A_batch_whose_items_are_all_too_large_is_too_large()
    {
        var body = $$"""[{"topic":"{{_topic}}","data":"{{new string('x', 65_530)}}"}]""";

        using var answer = await replica.PostAsync("/publish", Bytes(body), null);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    /// <summary>Good and bad items in any order, in both forms: exactly the good ones are stored, in their order, and each result says what became of its item.</summary>
    [Fact]
    public async Task Good_items_are_stored_whatever_stands_between_them()
    {
        await replica.StartedAsync();
        var text = OneOf("", " ", "one", "\"", "\\", "\n", "a\r\nb", "\uFEFF", "\u2028", "\0", "😀", "{}", "null", new string('x', 3_000));
        var line = Gen.OneOf(text.Select(data => (Good: true, Text: data)), OneOf([.. s_badItems, .. s_badLines]).Select(bad => (Good: false, Text: bad)));
        var element = Gen.OneOf(text.Select(data => (Good: true, Text: data)), OneOf([.. s_badItems, "[]", "[7]"]).Select(bad => (Good: false, Text: bad)));
        var separator = OneOf("\n", "\r\n", "\r", "\n\n", "\n \t\n", "\n" + Mark, "\r\n" + Mark + "\r\n");
        var lines = Gen.Select(line.Array[1, 12], separator, OneOf("", Mark, "\n"), (items, between, start) =>
            (items, Body: start + string.Join(between, items.Select(Item))));
        var array = Gen.Select(element.Array[1, 12], OneOf("", Mark, " "), (items, start) =>
            (items, Body: $"{start}[{string.Join(',', items.Select(Item))}]"));

        await Gen.OneOf(lines, array).SampleAsync(
            async batch =>
            {
                var topic = $"t{Guid.NewGuid():N}";
                using var answer = await replica.PostAsync("/publish", Bytes(batch.Body, topic), null);

                var good = batch.items.Where(item => item.Good).Select(item => item.Text.Replace("\r\n", "\n", StringComparison.Ordinal)).ToArray();
                Assert.Equal(good.Length > 0 ? HttpStatusCode.OK : HttpStatusCode.BadRequest, answer.StatusCode);
                var results = (await ReadAsync(answer)).GetProperty("results").EnumerateArray().ToArray();
                Assert.Equal(batch.items.Select(item => item.Good ? 201 : 400), results.Select(result => result.GetProperty("status").GetInt32()));
                Assert.Equal(Enumerable.Range(1, good.Length), results.SelectMany(result => result.GetProperty("events").EnumerateArray()).Select(stored => stored.GetProperty("offset").GetInt32()));
                Assert.Equal(good, await replica.StoredAsync(topic));
            },
            iter: 100);
    }

    [Theory]
    [InlineData("Content-Length: 500", "{\"topic\":\"TOPIC\",\"data\":\"x\"}\n")]
    [InlineData("Transfer-Encoding: chunked", "5\r\nwhole\r\n")]
    [InlineData("Transfer-Encoding: chunked", "500\r\n{\"topic\":\"TOPIC\",\"data\":\"x\"}\n")]
    public async Task Nothing_of_a_body_that_breaks_off_is_stored(string header, string part)
    {
        var host = await replica.StartedAsync();
        foreach (var path in (string[])[$"/topics/{_topic}/events", "/publish"])
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(host.Address.Host, host.Address.Port, Cancellation);
            await socket.SendAsync(Bytes($"POST {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n{part}"), Cancellation);
            socket.Shutdown(SocketShutdown.Send);

            // It answers or resets: either way it has noticed the end by then.
            Assert.DoesNotContain("HTTP/1.1 2", await HeadAsync(socket), StringComparison.Ordinal);
        }

        Assert.Empty(await replica.StoredAsync(_topic));
    }

    [Fact]
    public async Task A_body_in_chunks_is_stored_whole()
    {
        var host = await replica.StartedAsync();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.Address.Host, host.Address.Port, Cancellation);
        await socket.SendAsync(
            Bytes("POST /topics/TOPIC/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\u00C3\r\n3;x=y\r\n\u00A4\r\n\r\n0\r\nTrailer: x\r\n\r\n"), Cancellation);
        using var reader = new StreamReader(new NetworkStream(socket));

        Assert.StartsWith("HTTP/1.1 201", await reader.ReadToEndAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal("ä\n", Assert.Single(await replica.StoredAsync(_topic)));
    }

    private static async Task<string> HeadAsync(Socket socket)
    {
        var head = new byte[12];
        try
        {
            return Encoding.Latin1.GetString(head, 0, await socket.ReceiveAsync(head, Cancellation));
        }
        catch (SocketException)
        {
            return "";
        }
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static string Item((bool Good, string Text) item) =>
        item.Good ? $$"""{"topic":"TOPIC","data":{{Encoding.Latin1.GetString(JsonSerializer.SerializeToUtf8Bytes(item.Text))}}}""" : item.Text;

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage answer) => await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);

    private byte[] Bytes(string body, string? topic = null) => Encoding.Latin1.GetBytes(body.Replace("TOPIC", topic ?? _topic, StringComparison.Ordinal));
}
