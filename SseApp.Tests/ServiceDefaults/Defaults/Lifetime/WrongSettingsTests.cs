namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>The real services, started with settings that are wrong: a supervisor sees exit code 1, a person one line for each.</summary>
public sealed class WrongSettingsTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    // '|' separates settings, and the lines that they must cause, whose order is free.
    [Theory]
    [InlineData("Streaming:MaxTopics=0", "Streaming:MaxTopics is 0; it must be between 1 and 1000.")]
    [InlineData(
        "Streaming:MaxTopics=abc|TopicLog:Overrides:0:Pattern=a*|TopicLog:Overrides:0:MaxEvents=0",
        "Streaming:MaxTopics is 'abc'; it must be a whole number between 1 and 1000.|TopicLog:Overrides:0:MaxEvents is 0; it must be between 1 and 1000000.")]
    [InlineData(
        "Drain:Window=5|Streaming:RetryMin=00:00:10|Streaming:Shards=-1",
        "Drain:Window is '5'; it must be a time between 00:00:00 and 00:10:00 (hours:minutes:seconds). Write 00:00:05 for 5 seconds.|Streaming:Shards is -1; it must be between 0 and 256.|Streaming:RetryMax (00:00:05) must not be less than RetryMin (00:00:10).")]
    [InlineData(
        "MemoryGuard:Limit=lots|Cluster:KeyPrefix=a b|ConnectionStrings:redis=",
        "MemoryGuard:Limit is 'lots'; it must be a size such as 500MB, 1.5GB or 524288000.|Cluster:KeyPrefix is 'a b'; it must be 1 to 64 letters, digits, '.', '_' or '-'.|ConnectionStrings:redis is empty; start the whole cluster with*or set ConnectionStrings__redis, for example to localhost:6379.")]
    [InlineData(
        "ConnectionStrings:redis=localhost,password=secret,connectTimeout=soon",
        "ConnectionStrings:redis cannot be used: *an integer value*")]
    [InlineData("ConnectionStrings:redis=localhost,password=secret\r", "ConnectionStrings:redis cannot be used: it has an invisible character in it, *")]
    [InlineData("ConnectionStrings:redis=localhost,pasword=secret", "ConnectionStrings:redis cannot be used: *pasword*")]
    [InlineData("ConnectionStrings:redis=localhost,password=top,secret", "ConnectionStrings:redis cannot be used: *comma*Aspire__StackExchange__Redis__ConfigurationOptions__Password*")]
    [InlineData("ConnectionStrings:redis=localhost,password=top,secret=1,ssl=false", "ConnectionStrings:redis cannot be used: *comma*Aspire__StackExchange__Redis__ConfigurationOptions__Password*")]
    [InlineData("ConnectionStrings:redis=localhost,password=,secret", "ConnectionStrings:redis cannot be used: *comma*")]
    [InlineData("ConnectionStrings:redis=redis://:secret@localhost:6379", "ConnectionStrings:redis cannot be used: it is a URL. *")]
    [InlineData("ConnectionStrings:redis=localhost,password=secret,channelPrefix=x", "ConnectionStrings:redis cannot be used: channelPrefix is not for this; set Cluster:KeyPrefix, *")]
    [InlineData("Limits:PublishesPerSecond=100", "Limits:PublishesPerSecond is '100'; it is called Limits:EventsPerSecond now, and counts events, not requests.")]
    [InlineData("TopicLog:KeyPrefix=blue", "TopicLog:KeyPrefix is 'blue'; it is called Cluster:KeyPrefix now, for both services.")]
    [InlineData(
        "Streaming:Overflow:0:Pattern=a*|Streaming:Overflow:0:Polcy=Drop|TopicLog:Overrides:0:Pattern=b*|TopicLog:Overrides:0:MaxEvents=100k|TopicLog:Overrides:0:IdleExpiry=1h",
        "Streaming:Overflow:0:Polcy is 'Drop', but there is no setting Streaming:Overflow:0:Polcy; did you mean Streaming:Overflow:0:Policy? Allowed: Pattern, Policy.|TopicLog:Overrides:0:MaxEvents is '100k'; it must be a whole number between 1 and 1000000.|TopicLog:Overrides:0:IdleExpiry is '1h'; it must be a time between *")]
    [InlineData(
        "Streaming:Overflow:0:Pattern=news/#|TopicLog:Overrides:0:Pattern=news.>|Archive:Overrides:0:Pattern=^news",
        "Streaming:Overflow:0:Pattern is 'news/#'; it cannot match a topic. *|TopicLog:Overrides:0:Pattern is 'news.>'; it cannot match a topic. *|Archive:Overrides:0:Pattern is '^news'; it cannot match a topic. *")]
    [InlineData("Streaming:Overflow=Drop|Relay:Windw=1", "Streaming:Overflow is 'Drop', but it is a list of sections; *|Relay:Windw is '1', *did you mean Relay:Window?*")]
    [InlineData(
        "Security:GatewayKey=|Security:PreviousGatewayKey=c2VjcmV0",
        "Security:GatewayKey is not set, *openssl rand -base64 32*|Security:PreviousGatewayKey is not 32 bytes in base64 *openssl rand -base64 32*")]
    [InlineData("Security:GatewayKey=secret", "Security:GatewayKey is not 32 bytes in base64 (44 characters) or hexadecimal (64); *openssl rand -base64 32*")]
    [InlineData("Admin:Urls=nowhere", "Admin:Urls is 'nowhere': *Write addresses such as http://127.0.0.1:8081, *")]
    [InlineData("Admin:Urls=http://127.0.0.1:8081/admin|Admin:Url=x", "Admin:Urls is 'http://127.0.0.1:8081/admin': *no path. *|Admin:Url is 'x', *did you mean Admin:Urls?*")]
    [InlineData("Admin:KeyFile=/dev/null/key", "Admin:KeyFile is '/dev/null/key', which can be neither read nor made: *. Name a file in a folder that this service's user can write, *")]
    [InlineData(
        "TopicLog:IdleExpiry=24:00:00|Publishing:BodyTimeout=10:30",
        "TopicLog:IdleExpiry is '24:00:00'; it must be a time between 00:00:01 and 365.00:00:00 (days.hours:minutes:seconds). Write 1.00:00:00 for 24 hours, *|Publishing:BodyTimeout is '10:30'; it must be *Write 10:30:00 for 10 hours and 30 minutes, or 00:10:30 for *")]
    [InlineData(
        "Security:GatewayKey=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=|Security:PreviousGatewayKey=6161616161616161616161616161616161616161616161616161616161616161",
        "Security:GatewayKey is not random *openssl rand -base64 32*|Security:PreviousGatewayKey is not random *openssl rand -base64 32*")]
    [InlineData("Admin:Urls=https:/u:secret@127.0.0.1:8081/x", "Admin:Urls is 'https:/***@127.0.0.1:8081/x': *")]
    [InlineData("http_ports=8080;abc", "http_ports is '8080;abc'; write port numbers between 0 and 65535, several separated by semicolons.")]
    [InlineData("urls:0=http://0.0.0.0:8080", "urls:0 is 'http://0.0.0.0:8080', but urls is one value; write all in it, separated by semicolons.")]
    [InlineData("contentRoot=/nowhere/at/all", "contentRoot is '/nowhere/at/all', but there is no folder /nowhere/at/all; *")]
    [InlineData("urls=nowhere", "urls is 'nowhere'; this service cannot listen there: *Set addresses such as http://0.0.0.0:8080*")]
    public Task Events_names_each(string settings, string lines) => AssertAsync("SseApp.Events", settings, lines);

    [Theory]
    [InlineData(
        "Tls:CertificateFile=/nowhere.pem|Tls:Http3=maybe|Limits:IPv6PrefixLength=129",
        "Tls:CertificateFile is '/nowhere.pem', which does not exist; *|Tls:Http3 is 'maybe'; it must be true or false.|Limits:IPv6PrefixLength is 129; it must be between 48 and 128.")]
    [InlineData(
        "Balancing:Policy=IpHsah|AccessLog:Enabled=perhaps",
        "Balancing:Policy is 'IpHsah'; known policies are *|AccessLog:Enabled is 'perhaps'; it must be true or false.")]
    [InlineData(
        "Compression:Level=NoCompression|Alerts:Format=Smoke",
        "Compression:Level is NoCompression; it must be one of Fastest, Optimal, SmallestSize.|Alerts:Format is 'Smoke'; it must be one of Slack, Json.")]
    [InlineData(
        "AccessLog:File=/tmp/access.log|AccessLog:QueueLines=5|Tls:Urls=https://*:8443|Tls:Password=secret|StaticFiles:Fallback=index.html|Logging:Console:FormatterName=jsn",
        "AccessLog:File is '/tmp/access.log', but without AccessLog:Enabled it does nothing; set AccessLog:Enabled=true, or AccessLog:Enabled=false to keep it for later.|AccessLog:QueueLines is '5', but without AccessLog:Enabled *|Tls:Urls is 'https://*:8443', but without Tls:CertificateFile it does nothing; set Tls:CertificateFile, or take it away.|Tls:Password is ***, but without *|StaticFiles:Fallback is 'index.html', but without StaticFiles:Root *|Logging:Console:FormatterName is 'jsn'; it must be one of simple, systemd, json.")]
    [InlineData(
        "Admin:KeyFile=/tmp/sseapp-key\r|StaticFiles:Root=/tmp |Tls:CertificateFile=\t/tmp/a.pem|Balancing:Policy=IpHash\r",
        "Admin:KeyFile is \"/tmp/sseapp-key*r\", with a blank or an invisible character at its end or within; *|StaticFiles:Root is \"/tmp \", with *|Tls:CertificateFile is \"*t/tmp/a.pem\", with *|Balancing:Policy is \"IpHash*r\", with *")]
    [InlineData(
        "Admin:KeyFile=~/adm.key|StaticFiles:Root=\"/srv/www\"|Tls:CertificateFile=$HOME/a.pem",
        "Admin:KeyFile is '~/adm.key', and nothing puts the home folder in the place of ~; *|StaticFiles:Root is '\"/srv/www\"', and the quotes would be a part of the name; *|Tls:CertificateFile is '$HOME/a.pem', and nothing puts a variable's value *")]
    [InlineData("ConnectionStrings:redis=", "ConnectionStrings:redis is empty; *")]
    [InlineData("Security:GatewayKey=", "Security:GatewayKey is not set, *openssl rand -base64 32*")]
    // Each in a section that several classes read, or whose secret has another name.
    [InlineData(
        "Security:GatwayKey=geheim|Security:Key=geheim|Security:Issuers:0:SharedKey=geheim|Admin:Key=geheim|Alerts:Token=geheim|MemoryGuard:Limit=500|ResponseHeaders:Set:0=X-Robots-Tag: noindex",
        "Security:GatwayKey is ***, *did you mean Security:GatewayKey?*|Security:Key is ***, *|Security:Issuers:0:SharedKey is ***, *|Admin:Key is ***, *|Alerts:Token is ***, *|MemoryGuard:Limit (500 bytes) must be *|ResponseHeaders:Set:0 is an item of a list, *X-Robots-Tag*")]
    [InlineData("Replica:AllowedAddresses=anywhere", "Replica:AllowedAddresses contains 'anywhere'; *")]
    [InlineData(
        "Acces:Deny=127.0.0.1|Access_Deny=127.0.0.1|Access:Dney:0=127.0.0.1|Proxies:Known:first=127.0.0.1",
        "Acces:Deny is '127.0.0.1', but there is no section Acces; did you mean Access:Deny?|Access_Deny is '127.0.0.1', but there is no such setting; did you mean Access:Deny, *|Access:Dney:0 is '127.0.0.1', but there is no setting Access:Dney; did you mean Access:Deny? *|Proxies:Known:first is '127.0.0.1', but the items of Proxies:Known have numbers; *")]
    [InlineData(
        "ReverseProxy:Clusters:c:HttpRequest:ActivityTimeout=soon",
        "ReverseProxy:Clusters:c:HttpRequest:ActivityTimeout is 'soon'; *")]
    [InlineData("ReverseProxy:Routes:r:ClusterId=c|ReverseProxy:Routes:r:Match:Path={a", "ReverseProxy:Routes:r:Match:Path is '{a'; *")]
    [InlineData("Logging:LogLevel:Default=warn", "Logging:LogLevel:Default is 'warn'; *it must be one of Trace, Debug, Information, Warning, Error, Critical, None.")]
    [InlineData("Logging:Console:QueueFullMode=Dropp", "Logging:Console:QueueFullMode is 'Dropp'; *")]
    // Of section Kestrel the platform reads three parts, and documentation has many more.
    [InlineData(
        "Kestrel:Limits:MaxConcurrentConnections=100|Kestrel:EndpointDefaults:Protocols=Http2",
        "Kestrel:Limits:MaxConcurrentConnections is '100', but nobody reads it; *Descriptors:MaxConnections*|Kestrel:EndpointDefaults:Protocols is 'Http2', but without TLS *")]
    [InlineData("urls=http://127.0.0.1:99999", "urls is 'http://127.0.0.1:99999'; *a port is between 0 and 65535*")]
    public Task The_gateway_names_each(string settings, string lines) => AssertAsync("SseApp.Gateway", settings, lines);

    /// <summary>Platforms set both; a home without certificates, because a developer's may have one.</summary>
    [Fact]
    public Task Ports_for_HTTPS_without_a_certificate_are_named_and_not_those_of_HTTP() => AssertAsync(
        "SseApp.Events",
        ["--http_ports=0", "--https_ports=28443"],
        "https_ports is '28443', but there is no certificate for HTTPS; *Tls:CertificateFile*",
        ("HOME", "/dev/null"));

    [Theory]
    [InlineData("SseApp.Events")]
    [InlineData("SseApp.Gateway")]
    public async Task An_address_in_use_is_named(string project)
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var url = $"http://{taken.LocalEndPoint}";
        await AssertAsync(project, $"urls={url}", $"urls is '{url}'; this service cannot listen there: *address already in use. *");
        await AssertAsync(project, $"urls=http://127.0.0.1:0|Admin:Urls={url}", $"Admin:Urls is '{url}'; this service cannot listen there: *address already in use. *Admin:Urls may be http://127.0.0.1:0 (any free port; the log names it), or empty (no listener for operators).");
    }

    [Theory]
    [InlineData("SseApp.Events", "TopicLog:MaxEvents|5|--TopicLog:IdleExpiry", "The argument 'TopicLog:MaxEvents' is neither a setting *|The argument '5' is neither a setting *|The argument '--TopicLog:IdleExpiry' has no value; *")]
    [InlineData("SseApp.Gateway", "Access:Deny|127.0.0.1", "The argument 'Access:Deny' is neither a setting *write --Access:Deny=<value>.|The argument '127.0.0.1' is neither a setting *")]
    [InlineData("SseApp.Gateway", "--Access:Deny:", "The argument '--Access:Deny:' has an empty part in its name; write --Access:Deny=<value>.")]
    [InlineData("SseApp.Gateway", "-Access:Deny=127.0.0.1", "The argument '-Access:Deny' begins with one dash, *write --Access:Deny=<value>.")]
    [InlineData("SseApp.Gateway", "--Deny=127.0.0.1|--Acces:Deny=127.0.0.1", "The argument --Deny is no setting; did you mean --Access:Deny=<value>?|Acces:Deny is '127.0.0.1', but there is no section Acces; did you mean Access:Deny?")]
    public Task An_argument_that_would_mean_nothing_is_named(string project, string arguments, string lines) => AssertAsync(project, arguments.Split('|'), lines);

    /// <summary>A variable whose name has an empty part.</summary>
    [Theory]
    [InlineData("Access__Deny__", "Access:Deny: is '127.0.0.1', but the items of Access:Deny have numbers; *")]
    [InlineData("Access____Deny", "Access::Deny is '127.0.0.1', but there is no setting Access:. Allowed: *")]
    [InlineData("__Access__Deny", ":Access:Deny is '127.0.0.1', but there is no section ; did you mean Access:Deny?")]
    [InlineData("Access__Deny____0", "Access:Deny::0 is '127.0.0.1', but the items of Access:Deny have numbers; *")]
    [InlineData("Access__Deny__0__", "Access:Deny:0: is '127.0.0.1', but Access:Deny:0 is one value; *|Access:Deny:0 is a section; *")]
    public Task A_variable_with_an_empty_part_is_named(string variable, string lines) => AssertAsync("SseApp.Gateway", [], lines, (variable, "127.0.0.1"));

    /// <summary>Otherwise whom the file denies would be let in.</summary>
    [Fact]
    public async Task A_settings_file_that_would_not_be_read_stops_the_start()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Upper and lower case are different letters of file names on Linux.");
        var folder = Directory.CreateTempSubdirectory("sseapp-settings-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "appsettings.Production.json"), """{ "Access": { "Deny": "127.0.0.1" } }""", TestContext.Current.CancellationToken);
            await AssertAsync(
                "SseApp.Gateway",
                ["--environment=production", $"--contentRoot={folder.FullName}"],
                "*/appsettings.Production.json is not read: in the environment 'production' the file is called appsettings.production.json, *");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>As an editor of Windows saves it, or a disk fault leaves it: a name would be another one, in silence.</summary>
    [Theory]
    [InlineData("SseApp.Gateway", new byte[] { 0xE9 })]
    [InlineData("SseApp.Events", new byte[] { 0xE9 })]
    [InlineData("SseApp.Gateway", new byte[] { 0xC0, 0x80 })]
    [InlineData("SseApp.Gateway", new byte[] { 0xED, 0xA0, 0x80 })]
    public async Task A_settings_file_that_is_not_UTF8_is_named(string project, byte[] value)
    {
        var folder = Directory.CreateTempSubdirectory("sseapp-settings-");
        try
        {
            await File.WriteAllBytesAsync(
                Path.Combine(folder.FullName, "appsettings.json"),
                [.. "{\n \"Cluster\": {\n \"KeyPrefix\": \"secret"u8, .. value, .. "\" } }"u8],
                TestContext.Current.CancellationToken);
            await AssertAsync(project, [$"--contentRoot={folder.FullName}"], "*appsettings.json* line 3 *UTF-8*");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Task AssertAsync(string project, string settings, string lines) =>
        AssertAsync(project, settings.Split('|').Select(setting => $"--{setting}"), lines);

    private static async Task AssertAsync(string project, IEnumerable<string> arguments, string lines, params (string Name, string Value)[] variables)
    {
        var assembly = Repository.Assembly(project);
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments])
        {
            WorkingDirectory = Path.GetDirectoryName(assembly),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["ConnectionStrings__redis"] = "127.0.0.1:1,connectTimeout=50";
        start.Environment["Security__GatewayKey"] = ClusterKey.Text;
        // The client, and what it serves, logs with stack traces that there is no server.
        start.Environment["Logging__LogLevel__StackExchange.Redis"] = "None";
        start.Environment["Logging__LogLevel__SseApp"] = "None";
        start.Environment["DOTNET_TC_QuickJit"] = "1";
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(s_limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = await process.StandardError.ReadToEndAsync(limit.Token);
            var all = await output + errors;
            await process.WaitForExitAsync(limit.Token);

            Assert.True(process.ExitCode == 1, $"The exit code is {process.ExitCode}. {all}");
            Assert.DoesNotContain("   at ", all, StringComparison.Ordinal);
            Assert.DoesNotContain("Unhandled exception", all, StringComparison.OrdinalIgnoreCase);
            var printed = errors.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
            var expected = lines.Split('|');
            Assert.All(expected, line => Assert.Contains(printed, one => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(line, one, ignoreCase: false)));
            Assert.Equal(expected.Length, printed.Length);
            Assert.DoesNotContain("secret", all, StringComparison.Ordinal);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
