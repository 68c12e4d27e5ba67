using System.Net.Http.Headers;
using Microsoft.Extensions.Hosting.Internal;
using SseApp.Gateway.Pages;

namespace SseApp.Tests.Gateway.Pages;

public sealed class StaticFilesTests : GatewayTest
{
    private const string Html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sseapp-pages-");

    private string Root => Path.Combine(_folder.FullName, "site");

    [Theory]
    [InlineData("/", "text/html; charset=utf-8", "the page")]
    [InlineData("/index.html", "text/html; charset=utf-8", "the page")]
    [InlineData("/docs/", "text/html; charset=utf-8", "the docs")]
    [InlineData("/docs", "text/html; charset=utf-8", "the docs")]
    [InlineData("/assets/app-3fa9.js", "text/javascript; charset=utf-8", "the script")]
    [InlineData("/assets/new.kind", "application/octet-stream", "unknown")]
    [InlineData("/a%20b/%C3%A4.txt", "text/plain; charset=utf-8", "umlaut")]
    [InlineData("/.well-known/security.txt", "text/plain; charset=utf-8", "contact")]
    public async Task A_file_comes_with_its_type(string path, string type, string content)
    {
        var gateway = await ServingAsync();

        using var response = await gateway.Client.GetAsync(path, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType!.ToString());
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal(content, await response.Content.ReadAsStringAsync(Cancellation));
    }

    /// <summary>As nginx and browsers know them; by <c>nosniff</c> the type is believed.</summary>
    [Theory]
    [InlineData("feed.rss", "application/rss+xml")]
    [InlineData("film.m3u8", "application/vnd.apple.mpegurl")]
    [InlineData("film-1.ts", "video/mp2t")]
    [InlineData("film.VTT", "text/vtt; charset=utf-8")]
    [InlineData("chunk.cjs", "text/javascript; charset=utf-8")]
    [InlineData("openapi.yaml", "application/yaml")]
    [InlineData("data.jsonld", "application/ld+json")]
    public async Task What_the_framework_has_no_type_for_has_one(string name, string type)
    {
        var gateway = await ServingAsync();
        await File.WriteAllTextAsync(Path.Combine(Root, name), "content", Cancellation);
        await File.WriteAllTextAsync(Path.Combine(Root, name + ".gz"), "not looked into", Cancellation);
        using var plain = await gateway.Client.GetAsync("/" + name, Cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/" + name);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        using var compressed = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);

        Assert.Equal(type, plain.Content.Headers.ContentType!.ToString());
        Assert.Equal(type, compressed.Content.Headers.ContentType!.ToString());
    }

    [Fact]
    public async Task A_client_that_has_the_file_gets_304_and_one_that_wants_a_part_gets_it()
    {
        var gateway = await ServingAsync();
        using var first = await gateway.Client.GetAsync("/docs/", Cancellation);
        using var again = new HttpRequestMessage(HttpMethod.Get, "/docs/");
        again.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var unchanged = await gateway.Client.SendAsync(again, Cancellation);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);

        using var range = new HttpRequestMessage(HttpMethod.Get, "/docs/index.html");
        range.Headers.Range = new RangeHeaderValue(4, null);
        range.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        using var part = await gateway.Client.SendAsync(range, Cancellation);
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal("bytes 4-7/8", part.Content.Headers.ContentRange!.ToString());
        Assert.Equal("docs", await part.Content.ReadAsStringAsync(Cancellation));

        using var head = await gateway.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/docs/"), Cancellation);
        Assert.Equal((8, first.Headers.ETag), (head.Content.Headers.ContentLength, head.Headers.ETag));
    }

    /// <summary>Packages of npm give all their files one time of 1985; an editor saves twice within a second.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(33 << 20)]
    public async Task A_new_release_of_the_same_length_and_time_is_another_file(int length)
    {
        var gateway = await ServingAsync();
        var (path, time) = (Path.Combine(Root, "app.js"), new DateTime(1985, 10, 26, 8, 15, 0, DateTimeKind.Utc));
        EntityTagHeaderValue? known = null;
        for (var release = (byte)'0'; release < (length > 10 ? '3' : '9'); release++)
        {
            await using (var file = File.OpenWrite(path))
            {
                file.SetLength(length);
                file.WriteByte(release);
            }

            File.SetLastWriteTimeUtc(path, time);
            using var response = await AskAsync("/app.js", ("If-None-Match", known is null ? "\"\"" : $"\"a\", {known}"));
            Assert.Equal((HttpStatusCode.OK, release), (response.StatusCode, (await response.Content.ReadAsByteArrayAsync(Cancellation))[0]));
            Assert.Equal(new DateTimeOffset(time), response.Content.Headers.LastModified);
            known = response.Headers.ETag;
            using var unchanged = await AskAsync("/app.js", ("If-None-Match", $"\"a\", W/{known}"));
            Assert.Equal((HttpStatusCode.NotModified, $"W/{known}"), (unchanged.StatusCode, unchanged.Headers.ETag?.ToString()));
        }

        Task<HttpResponseMessage> AskAsync(string of, (string, string) header) => gateway.Client.SendAsync(HttpMethod.Get, of, header);
    }

    /// <summary>RFC 9110, 13 and 14; <c>{tag}</c> is that of the file, <c>{date}</c> its time.</summary>
    [Theory]
    [InlineData(304, "If-None-Match: {tag}")]
    [InlineData(304, "If-None-Match: W/{tag}")]
    [InlineData(304, "If-None-Match: \"a\", {tag}")]
    [InlineData(304, "If-None-Match: *")]
    [InlineData(304, "If-Modified-Since: {date}")]
    [InlineData(304, "If-Match: {tag}\nIf-None-Match: {tag}")]
    [InlineData(200, "If-None-Match: \"a\"")]
    [InlineData(200, "If-None-Match: \"a\"\nIf-Modified-Since: {date}")]
    [InlineData(200, "If-None-Match: nonsense")]
    [InlineData(200, "If-Modified-Since: yesterday")]
    [InlineData(200, "If-Match: {tag}")]
    [InlineData(200, "If-Match: *\nIf-Unmodified-Since: Mon, 01 Jan 1990 00:00:00 GMT")]
    [InlineData(200, "If-Unmodified-Since: {date}")]
    [InlineData(412, "If-Match: \"a\"")]
    [InlineData(412, "If-Match: W/{tag}")]
    [InlineData(412, "If-Match: \"a\"\nIf-None-Match: {tag}")]
    [InlineData(412, "If-Unmodified-Since: Mon, 01 Jan 1990 00:00:00 GMT")]
    [InlineData(206, "Range: bytes=4-5", "do")]
    [InlineData(206, "Range: Bytes=-3", "ocs")]
    [InlineData(206, "Range: bytes=4-\nIf-Range: {tag}", "docs")]
    [InlineData(206, "Range: bytes=4-\nIf-Range: {date}", "docs")]
    [InlineData(200, "Range: bytes=4-\nIf-Range: W/{tag}", "the docs")]
    [InlineData(200, "Range: bytes=4-\nIf-Range: \"a\"", "the docs")]
    [InlineData(200, "Range: bytes=4-\nIf-Range: Mon, 01 Jan 2035 00:00:00 GMT", "the docs")]
    [InlineData(200, "Range: bytes=0-1,4-5", "the docs")]
    [InlineData(200, "Range: items=0-3", "the docs")]
    [InlineData(200, "Range: bytes=5-3", "the docs")]
    [InlineData(200, "Range: bytes=a-b", "the docs")]
    [InlineData(416, "Range: bytes=8-")]
    [InlineData(416, "Range: bytes=-0")]
    public async Task Conditions_and_ranges_are_those_of_the_standard(int status, string conditions, string? content = null)
    {
        var gateway = await ServingAsync();
        using var first = await gateway.Client.GetAsync("/docs/index.html", Cancellation);
        Assert.False(first.Headers.ETag!.IsWeak);
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Head])
        {
            using var response = await gateway.Client.SendAsync(
                method,
                "/docs/index.html",
                [.. conditions.Replace("{tag}", first.Headers.ETag.ToString(), StringComparison.Ordinal)
                    .Replace("{date}", first.Content.Headers.LastModified!.Value.ToString("R"), StringComparison.Ordinal)
                    .Split('\n').Select(line => (line.Split(": ")[0], line.Split(": ")[1]))]);

            // A range is nothing to HEAD.
            Assert.Equal((method, method == HttpMethod.Head && status is 206 or 416 ? 200 : status), (method, (int)response.StatusCode));
            Assert.Equal(status is 412 or 416 && method == HttpMethod.Get ? "application/problem+json" : response.Content.Headers.ContentType?.MediaType, response.Content.Headers.ContentType?.MediaType);
            if (content is not null && method == HttpMethod.Get)
            {
                Assert.Equal(content, await response.Content.ReadAsStringAsync(Cancellation));
            }
        }
    }

    [Fact]
    public async Task What_is_compressed_on_the_way_has_no_strong_tag()
    {
        await WriteAsync("big.css", new string('a', 50_000));
        var gateway = await ServingAsync();
        using var plain = await gateway.Client.GetAsync("/big.css", Cancellation);
        using var packed = await gateway.Client.SendAsync(HttpMethod.Get, "/big.css", ("Accept-Encoding", "gzip"));
        Assert.Equal(("gzip", $"W/{plain.Headers.ETag}"), (packed.Content.Headers.ContentEncoding.Single(), packed.Headers.ETag?.ToString()));
        Assert.Empty(packed.Headers.AcceptRanges);

        using var unchanged = await gateway.Client.SendAsync(HttpMethod.Get, "/big.css", ("Accept-Encoding", "gzip"), ("If-None-Match", packed.Headers.ETag!.ToString()));
        Assert.Equal((HttpStatusCode.NotModified, packed.Headers.ETag), (unchanged.StatusCode, unchanged.Headers.ETag));
        using var part = await gateway.Client.SendAsync(HttpMethod.Get, "/big.css", ("Range", "bytes=100-110"), ("If-Range", packed.Headers.ETag.ToString()));
        Assert.Equal(HttpStatusCode.OK, part.StatusCode);
        using var whole = await gateway.Client.SendAsync(HttpMethod.Get, "/big.css", ("Range", "bytes=100-110"), ("If-Range", plain.Headers.ETag!.ToString()), ("Accept-Encoding", "gzip"));
        Assert.Equal((HttpStatusCode.PartialContent, 11), (whole.StatusCode, (int)whole.Content.Headers.ContentLength!));
        Assert.Empty(whole.Content.Headers.ContentEncoding);
    }

    [Fact]
    public async Task Scripts_are_kept_as_configured_and_pages_asked_for_each_time()
    {
        var gateway = await ServingAsync(("StaticFiles:MaxAge", "01:00:00"), ("StaticFiles:Immutable:0", "/assets/*"));
        Assert.Equal("no-cache", await CacheControlAsync("/"));
        Assert.Equal("public, max-age=3600", await CacheControlAsync("/a%20b/%C3%A4.txt"));
        Assert.Equal("public, max-age=31536000, immutable", await CacheControlAsync("/assets/app-3fa9.js"));
        Assert.Equal("no-store", await CacheControlAsync("/assets/app-gone.js"));

        async Task<string?> CacheControlAsync(string path)
        {
            using var response = await gateway.Client.GetAsync(path, Cancellation);
            return response.Headers.CacheControl is null ? null : string.Join(',', response.Headers.GetValues("Cache-Control"));
        }
    }

    [Fact]
    public async Task Files_are_compressed_for_clients_that_take_it()
    {
        await WriteAsync("big.css", new string('a', 50_000));
        var gateway = await ServingAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/big.css");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "br");

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal(["br"], response.Content.Headers.ContentEncoding);
        Assert.Contains("Accept-Encoding", response.Headers.Vary);
        Assert.InRange((await response.Content.ReadAsByteArrayAsync(Cancellation)).Length, 1, 5_000);
    }

    [Theory]
    [InlineData("/app.js", "br", "br", "small br")]
    [InlineData("/app.js", "gzip, deflate, br, zstd", "br", "small br")]
    [InlineData("/app.js", "gzip", "gzip", "small gzip")]
    [InlineData("/app.js", "br;q=0.5, gzip", "gzip", "small gzip")]
    [InlineData("/app.js", "br;q=0, *", "gzip", "small gzip")]
    [InlineData("/app.js", "identity, br;q=0.5", null, "the file")]
    [InlineData("/app.js", "br;q=0", null, "the file")]
    [InlineData("/app.js", null, null, "the file")]
    [InlineData("/", "br", "br", "small page")]
    [InlineData("/an/address", "br", "br", "small page")]
    [InlineData("/%25.js", "gzip", "gzip", "small percent")]
    public async Task A_file_that_was_compressed_before_is_sent_to_who_takes_it(string path, string? accepts, string? coding, string content)
    {
        await WriteAsync("app.js", "the file");
        await WriteAsync("app.js.br", "small br");
        await WriteAsync("app.js.gz", "small gzip");
        await WriteAsync("index.html.br", "small page");
        await WriteAsync("%.js", "the file");
        await WriteAsync("%.js.gz", "small percent");
        await WriteAsync("gone.js.br", "nothing beside");
        var gateway = await ServingAsync(("StaticFiles:Fallback", "index.html"), ("StaticFiles:Immutable", "/app.js"));

        using var response = await gateway.Client.SendAsync(Request(null), Cancellation);

        Assert.Equal(content, await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(coding is null ? [] : [coding], response.Content.Headers.ContentEncoding);
        Assert.Equal(path.EndsWith(".js", StringComparison.Ordinal) ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("Accept-Encoding", Assert.Single(response.Headers.Vary));
        Assert.Equal(path == "/app.js" ? "public, max-age=31536000, immutable" : "no-cache", response.Headers.GetValues("Cache-Control").Single());
        using var again = await gateway.Client.SendAsync(Request(response.Headers.ETag), Cancellation);
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        Assert.Equal("Accept-Encoding", Assert.Single(again.Headers.Vary));
        // Of another representation it is another one.
        accepts = coding == "br" ? "identity" : "br";
        using var other = await gateway.Client.SendAsync(Request(response.Headers.ETag), Cancellation);
        Assert.True(other.StatusCode == HttpStatusCode.OK || path == "/%25.js", $"{other.StatusCode}");
        using var gone = await gateway.Client.GetAsync("/gone.js", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);

        HttpRequestMessage Request(EntityTagHeaderValue? known)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation("Accept", Html);
            request.Headers.TryAddWithoutValidation("Accept-Encoding", accepts ?? "");
            if (known is not null)
            {
                request.Headers.IfNoneMatch.Add(known);
            }

            return request;
        }
    }

    [Theory]
    [InlineData("/", true)]
    [InlineData("/docs/", true)]
    [InlineData("/docs", true)]
    [InlineData("/assets/app-3fa9.js", true)]
    [InlineData("/nope", false)]
    [InlineData("/docs/nope.html", false)]
    [InlineData("/assets/", false)]
    [InlineData("/.env", false)]
    [InlineData("/admin/nope", false)]
    public async Task Only_what_is_there_is_said_to_take_methods(string path, bool there)
    {
        var gateway = await ServingAsync();
        using var options = await gateway.Client.SendAsync(new HttpRequestMessage(HttpMethod.Options, path), Cancellation);
        using var post = await gateway.Client.PostAsync(path, new StringContent("a"), Cancellation);

        Assert.Equal(there ? (HttpStatusCode.NoContent, HttpStatusCode.MethodNotAllowed) : (HttpStatusCode.NotFound, HttpStatusCode.NotFound), (options.StatusCode, post.StatusCode));
        Assert.Equal(there ? ["GET", "HEAD", "OPTIONS"] : [], options.Content.Headers.Allow);
        Assert.Equal("application/problem+json", post.Content.Headers.ContentType!.MediaType);
    }

    [Theory]
    [InlineData("GET", "/orders/12", Html, true)]
    [InlineData("HEAD", "/orders/12", Html, true)]
    [InlineData("GET", "/orders/12/", Html, true)]
    [InlineData("GET", "/orders/12", "*/*", false)]
    [InlineData("GET", "/orders/12", "application/json", false)]
    [InlineData("GET", "/orders/12", "text/html;q=0, */*", false)]
    [InlineData("GET", "/assets/gone.js", Html, false)]
    [InlineData("GET", "/.git/config", Html, false)]
    [InlineData("GET", "/admin/nothing", Html, false)]
    public async Task A_browser_that_opens_an_address_of_an_application_gets_its_page(string method, string path, string accept, bool page)
    {
        var gateway = await ServingAsync(("StaticFiles:Fallback", "index.html"));
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.TryAddWithoutValidation("Accept", accept);

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal(page ? HttpStatusCode.OK : HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(page ? "text/html" : "application/problem+json", response.Content.Headers.ContentType!.MediaType);
        using var post = await gateway.Client.PostAsync(path, new StringContent(""), Cancellation);
        Assert.True(post.StatusCode is HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotFound, $"{post.StatusCode}");
    }

    [Theory]
    [InlineData("/.env")]
    [InlineData("/.git/config")]
    [InlineData("/docs/.private/key.txt")]
    [InlineData("/../outside.txt")]
    [InlineData("/%2e%2e/outside.txt")]
    [InlineData("/..%2foutside.txt")]
    [InlineData("/docs/..%5c..%5coutside.txt")]
    [InlineData("/out.txt")]
    [InlineData("/out/outside.txt")]
    [InlineData("/loop")]
    [InlineData("/assets/")]
    [InlineData("/docs/index.html/")]
    [InlineData("/assets")]
    [InlineData("//etc/passwd")]
    public async Task Hidden_files_folders_and_what_lies_outside_are_not_found(string path)
    {
        await WriteAsync(".env", "secret");
        await WriteAsync(".git/config", "secret");
        await WriteAsync("docs/.private/key.txt", "secret");
        await WriteAsync("../outside.txt", "secret");
        File.CreateSymbolicLink(Path.Combine(Root, "out.txt"), Path.Combine(_folder.FullName, "outside.txt"));
        File.CreateSymbolicLink(Path.Combine(Root, "out"), _folder.FullName);
        File.CreateSymbolicLink(Path.Combine(Root, "loop"), "loop");
        var gateway = await ServingAsync();

        var answer = await RawAsync(gateway, path);

        Assert.DoesNotContain("secret", answer, StringComparison.Ordinal);
        Assert.Matches("^HTTP/1.1 40[04] ", answer);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    public async Task What_the_gateway_may_not_read_is_not_there_and_its_log_says_so_once(string method)
    {
        // A file that the system lets nobody read, not even root.
        const string Unreadable = "/proc/sys/vm/compact_memory";
        Assert.SkipUnless(File.Exists(Unreadable), "This system has no file that nobody may read.");
        var gateway = await ServingAsync(("StaticFiles:Root", Path.GetDirectoryName(Unreadable)!));
        for (var i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), "/compact_memory");
            using var response = await gateway.Client.SendAsync(request, Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }

        Assert.Single(gateway.Logs, line => line.Contains(Unreadable, StringComparison.Ordinal));
    }

    /// <summary>Opening a named pipe waits for its writer, and would so hold a thread for each request.</summary>
    [Theory]
    [InlineData("/pipe")]
    [InlineData("/linked-pipe")]
    [InlineData("/packed.js")]
    [InlineData("/folder/")]
    [InlineData("/socket")]
    [InlineData("/null")]
    public async Task What_is_no_regular_file_is_not_there_and_holds_nobody_up(string path)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Named pipes are made with mkfifo.");
        var gateway = await ServingAsync();
        Directory.CreateDirectory(Path.Combine(Root, "folder"));
        foreach (var pipe in (string[])["pipe", "packed.js.br", "folder/index.html"])
        {
            using var made = Process.Start("mkfifo", Path.Combine(Root, pipe));
            await made.WaitForExitAsync(Cancellation);
            Assert.Equal(0, made.ExitCode);
        }

        File.CreateSymbolicLink(Path.Combine(Root, "linked-pipe"), "pipe");
        File.CreateSymbolicLink(Path.Combine(Root, "null"), "/dev/null");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(Root, "socket")));
        if (path == "/packed.js")
        {
            await WriteAsync("packed.js", "the script");
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "br");
        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal(path == "/packed.js" ? HttpStatusCode.OK : HttpStatusCode.NotFound, response.StatusCode);
    }

    [Theory]
    [InlineData("/admin/x.txt")]
    [InlineData("//admin/x.txt")]
    [InlineData("///admin//x.txt")]
    [InlineData("/./admin/x.txt")]
    [InlineData("/docs/../admin/x.txt")]
    [InlineData("/%61dmin/x.txt")]
    [InlineData("/%2fadmin/x.txt")]
    [InlineData("/admin%2fx.txt")]
    [InlineData("/admin%5cx.txt")]
    [InlineData("/%5cadmin/x.txt")]
    [InlineData("/\\admin\\x.txt")]
    [InlineData("/ADMIN/x.txt")]
    [InlineData("/admin./x.txt")]
    [InlineData("/admin%20/x.txt")]
    [InlineData("//metrics")]
    [InlineData("//metrics/")]
    [InlineData("/%2F%6detrics")]
    [InlineData("/metrics%2findex.html")]
    public async Task Whatever_a_path_of_operators_looks_like_no_file_stands_there(string path)
    {
        foreach (var name in (string[])["admin/x.txt", "ADMIN/x.txt", "admin./x.txt", "admin /x.txt", "admin%2fx.txt", "metrics/index.html", "metrics%2findex.html"])
        {
            await WriteAsync(name, "the file");
        }

        var gateway = await ServingAsync(("StaticFiles:Fallback", "index.html"));

        var answer = await RawAsync(gateway, path);

        Assert.StartsWith("HTTP/1.1 404 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("the file", answer, StringComparison.Ordinal);
    }

    /// <summary>As Kubernetes mounts a ConfigMap, and as a deployment switches between releases.</summary>
    [Fact]
    public async Task Links_inside_the_folder_and_the_folder_itself_as_a_link_are_followed()
    {
        await WriteAsync("..2026/linked.html", "the linked page, longer than its link");
        File.CreateSymbolicLink(Path.Combine(Root, "..data"), "..2026");
        File.CreateSymbolicLink(Path.Combine(Root, "linked.html"), "..data/linked.html");
        await WriteAsync("../next/linked.html", "the next release");
        var current = Path.Combine(_folder.FullName, "current");
        File.CreateSymbolicLink(current, "site");
        var gateway = await ServingAsync(("StaticFiles:Root", current));
        Assert.Equal("the linked page, longer than its link", await gateway.Client.GetStringAsync("/linked.html", Cancellation));

        File.Delete(current);
        File.CreateSymbolicLink(current, "next");

        Assert.Equal("the next release", await gateway.Client.GetStringAsync("/linked.html", Cancellation));
    }

    [Fact]
    public async Task Routes_win_over_files_and_the_console_leaves_the_root_to_the_page()
    {
        foreach (var path in new[] { "events", "topics/a", "publish", "health", "alive", "metrics", "admin/replicas", "other/page", "console/index.html" })
        {
            await WriteAsync($"{path}{(Path.HasExtension(path) ? "" : "/index.html")}", "the file");
        }

        await OriginAsync("r1");
        var other = Own(await OriginHost.StartAsync("other"));
        var gateway = await ServingAsync(OtherService(other));
        foreach (var path in new[] { "/topics/a/", "/publish/", "/health/", "/alive/", "/metrics/", "/admin/replicas/", "/admin/", "/other/page/", "/console/" })
        {
            using var response = await gateway.Client.GetAsync(path, Cancellation);
            Assert.NotEqual("the file", await response.Content.ReadAsStringAsync(Cancellation));
        }

        using (var stream = await StreamClient.OpenAsync(gateway.Client))
        {
            await stream.ReadUntilAsync("stream.open");
        }

        Assert.Contains("SseApp playground", await gateway.Client.GetStringAsync("/console/", Cancellation), StringComparison.Ordinal);
        Assert.Contains("gateway", await gateway.Client.GetStringAsync("/console/console.js", Cancellation), StringComparison.Ordinal);
        Assert.Equal("the page", await gateway.Client.GetStringAsync("/", Cancellation));
        using var script = await gateway.Client.GetAsync("/console.js", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, script.StatusCode);
    }

    [Fact]
    public async Task A_fallback_that_is_not_there_stops_the_start()
    {
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => ServingAsync(("StaticFiles:Fallback", "app.html")));
        Assert.Contains("StaticFiles:Fallback is 'app.html'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_example_page_of_the_docs_is_served()
    {
        Assert.SkipWhen(Repository.Root is null, "The tests do not run inside the repository, so its pages cannot be read.");
        var gateway = await GatewayAsync(("StaticFiles:Root", Path.Combine(Repository.Root, "docs", "example")));
        Assert.Contains("new EventSource(", await gateway.Client.GetStringAsync("/", Cancellation), StringComparison.Ordinal);
    }

    protected override ValueTask DisposeOwnAsync()
    {
        _folder.Delete(recursive: true);
        return default;
    }

    [Theory]
    [InlineData("Tls:KeyFile", "site/private/key.pem", true)]
    [InlineData("Security:ApiKeyFile", "site/keys.json", true)]
    [InlineData("Admin:KeyFile", "link/admin.key", true)]
    [InlineData("AccessLog:File", "site/access.log", true)]
    [InlineData("Secrets:Folder", "site/secrets", true)]
    [InlineData("Secrets:Folder", "", true)]
    [InlineData("Kestrel:Endpoints:a:Certificate:Path", "site/a.pfx", true)]
    [InlineData("Kestrel:Certificates:Default:KeyPath", "site/a.key", true)]
    [InlineData("Tls:KeyFile", "site/.private/key.pem", false)]
    [InlineData("Tls:KeyFile", "site-keys/key.pem", false)]
    [InlineData("Tls:CertificateFile", "site/cert.pem", true)]
    [InlineData("StaticFiles:Fallback", "site/index.html", false)]
    public async Task A_folder_with_what_the_gateway_keeps_for_itself_is_none_for_pages(string setting, string path, bool isRefused)
    {
        await WriteAsync("index.html", "the page");
        Directory.CreateSymbolicLink(Path.Combine(_folder.FullName, "link"), Root);
        var file = Path.Combine(_folder.FullName, path);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create(setting, (string?)file)]).Build();

        var validated = Validate(configuration, contentRoot: "/nowhere");

        Assert.Equal(isRefused, validated.Failed);
        Assert.Equal(isRefused, validated.FailureMessage?.Contains($"({setting})", StringComparison.Ordinal) ?? false);
    }

    /// <summary>A relative path begins where the settings are, so <c>.</c> would show them to everybody.</summary>
    [Fact]
    public async Task Nor_is_the_folder_of_the_settings_but_a_certificate_without_its_key_is_for_everybody()
    {
        await WriteAsync("appsettings.Production.json", "{}");
        Assert.Contains("appsettings.Production.json (settings of this gateway)", Validate(new ConfigurationBuilder().Build(), Root).FailureMessage, StringComparison.Ordinal);
        Assert.True(Validate(
            new ConfigurationBuilder().AddInMemoryCollection(
                [KeyValuePair.Create("Tls:CertificateFile", (string?)Path.Combine(Root, "cert.pem")), KeyValuePair.Create("Tls:KeyFile", (string?)"/etc/key.pem")]).Build(),
            "/nowhere").Succeeded);
    }

    private ValidateOptionsResult Validate(IConfiguration configuration, string contentRoot) =>
        new PrivateFilesValidator(configuration, new HostingEnvironment { ContentRootPath = contentRoot, EnvironmentName = "Production" }).Validate(null, new StaticFilesOptions { Root = Root });

    private async Task<GatewayHost> ServingAsync(params (string, string)[] settings)
    {
        await WriteAsync("index.html", "the page");
        await WriteAsync("docs/index.html", "the docs");
        await WriteAsync("assets/app-3fa9.js", "the script");
        await WriteAsync("assets/new.kind", "unknown");
        await WriteAsync("a b/\u00E4.txt", "umlaut");
        await WriteAsync(".well-known/security.txt", "contact");
        return await GatewayAsync(settings.Any(setting => setting.Item1 == "StaticFiles:Root") ? settings : [("StaticFiles:Root", Root), .. settings]);
    }

    private async Task WriteAsync(string path, string content)
    {
        var file = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, content, Cancellation);
    }

    /// <summary>The answer to a path as it is: a client would take out the dots.</summary>
    private static async Task<string> RawAsync(GatewayHost gateway, string path)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(gateway.Address.Host, gateway.Address.Port, Cancellation);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), Cancellation);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(Cancellation);
    }
}
