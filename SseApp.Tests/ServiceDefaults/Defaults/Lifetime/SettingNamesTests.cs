using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>What is in none of our sections: meant for one of them, or somebody else's.</summary>
public sealed class SettingNamesTests
{
    [Theory]
    [InlineData("Acces:Deny", "Access:Deny")]
    [InlineData("Acess:Deny:0", "Access:Deny:0")]
    [InlineData("Access_Log:Enabled", "AccessLog:Enabled")]
    [InlineData("Proxy:Known:0", "Proxies:Known:0")]
    [InlineData("Proxie:Known", "Proxies:Known")]
    [InlineData("Limit:StreamsPerAddress", "Limits:StreamsPerAddress")]
    [InlineData("Stream:Overflow:0:Policy", "Streaming:Overflow:0:Policy")]
    [InlineData("Topiclogs:MaxEvents", "TopicLog:MaxEvents")]
    [InlineData("Headers:Remove", "ResponseHeaders:Remove")]
    [InlineData("Corse:Origins", "Cors:Origins")]
    [InlineData("Cor:Origins", "Cors:Origins")]
    [InlineData("Protection:Access:Deny", "Access:Deny")]
    [InlineData("MyApp:TopicLog:MaxEvents", "TopicLog:MaxEvents")]
    [InlineData("Restarts:Enabled", "Restart:Enabled")]
    [InlineData("Backplan:Mode", "Backplane:Mode")]
    [InlineData("Redis:Memory:RefuseAt", "RedisMemory:RefuseAt")]
    [InlineData("Redis:Memory:Refuse:At", "RedisMemory:RefuseAt")]
    [InlineData("Redis:Memroy:RefuseAt", "RedisMemory:RefuseAt")]
    [InlineData("Redis:MemoryRefuseAtt", "RedisMemory:RefuseAt")]
    [InlineData("SseApp:Gateway:RedisMemory:RefuseAt", "RedisMemory:RefuseAt")]
    [InlineData("SseApp:Gateway:Redis_Memory:RefuseAt", "RedisMemory:RefuseAt")]
    [InlineData("SseApp:Static:Files:Root", "StaticFiles:Root")]
    [InlineData("RedisMemroy:RefuseAt", "RedisMemory:RefuseAt")]
    [InlineData("Redis-Memory:RefuseAt", "RedisMemory:RefuseAt")]
    public void A_misspelt_section_is_named(string setting, string meant)
    {
        var line = Assert.Single(Problems([(setting, "v")]));

        Assert.Equal($"{setting} is 'v', but there is no section {setting.Split(':')[0]}; did you mean {meant}?", line);
    }

    [Theory]
    [InlineData("Access_Deny", "Access:Deny")]
    [InlineData("ACCESS_DENY_0", "Access:Deny")]
    [InlineData("access.deny", "Access:Deny")]
    [InlineData("Access__Deny", "Access:Deny")]
    [InlineData("ACCESS_LOG_FILE", "AccessLog:File")]
    [InlineData("PROXIES_KNOWN", "Proxies:Known")]
    [InlineData("Limits-StreamsPerAddress", "Limits:StreamsPerAddress")]
    [InlineData("STREAMING_OVERFLOW_0_POLICY", "Streaming:Overflow")]
    public void A_setting_with_another_separator_is_named(string setting, string meant)
    {
        var line = Assert.Single(Problems([(setting, "v")]));

        Assert.StartsWith($"{setting} is 'v', but there is no such setting; did you mean {meant}, as a variable {meant.Replace(":", "__", StringComparison.Ordinal)}?", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TLS_PASSWORD")]
    [InlineData("Tsl:Password")]
    [InlineData("Tlss:Pasword")]
    [InlineData("ALERTS_WEBHOOK_URL")]
    [InlineData("Alert:WebhookUrl")]
    [InlineData("Alert:Webhook_Url")]
    [InlineData("My:Alerts:Webhook:Url")]
    public void A_secret_is_not_repeated(string setting) =>
        Assert.All(Problems([(setting, "hunter2")]), line => Assert.DoesNotContain("hunter2", line, StringComparison.Ordinal));

    [Theory]
    [InlineData("GATEWAY_PORT", "tcp://10.0.0.1:8080")]
    [InlineData("GATEWAY_PORT_8080_TCP_ADDR", "10.0.0.1")]
    [InlineData("GATEWAY_SERVICE_PORT_HTTP", "8080")]
    [InlineData("EVENTS_SERVICE_HOST", "10.0.0.2")]
    [InlineData("REDIS_PORT", "tcp://10.0.0.1:6379")]
    [InlineData("CLUSTER_GATEWAY_PORT", "tcp://10.0.0.1:80")]
    [InlineData("TLS_PUBLIC_PORT", "tcp://10.0.0.1:443")]
    [InlineData("RELAY_PORT", "tcp://10.0.0.1:80")]
    [InlineData("STREAMING_SERVICE_HOST", "10.0.0.3")]
    [InlineData("services:events:http:0", "http://events")]
    [InlineData("Logging:LogLevel:Default", "Warning")]
    [InlineData("Kestrel:Endpoints:a:Url", "http://*:80")]
    [InlineData("ReverseProxy:Clusters:a:Destinations:b:Address", "http://c")]
    [InlineData("Aspire:StackExchange:Redis:DisableTracing", "true")]
    [InlineData("ConnectionStrings:redis", "localhost")]
    [InlineData("Parameters:redis-password", "p")]
    [InlineData("AllowedHosts", "*")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector")]
    [InlineData("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "in_memory")]
    [InlineData("FORWARDEDHEADERS_ENABLED", "true")]
    [InlineData("HTTP_PORTS", "8080")]
    [InlineData("CONTAINER_APP_REPLICA_NAME", "gateway--0")]
    [InlineData("AZURE_CLIENT_ID", "x")]
    [InlineData("POD_IP", "10.0.0.3")]
    [InlineData("KUBERNETES_SERVICE_HOST", "10.0.0.1")]
    [InlineData(":CF_USER_TEXT_ENCODING", "0x1F5")]
    [InlineData(":INTELLIJ_COMMAND_HISTFILE:", "x")]
    [InlineData("npm_config:cache", "x")]
    [InlineData("MyLibrary:DrainWindow", "5")]
    [InlineData("Redis:Host", "redis")]
    [InlineData("Redis:Memory:Policy", "x")]
    [InlineData("MyApp:Events:Limit", "5")]
    [InlineData("DcpPublisher:RandomizePorts", "true")]
    [InlineData("AppHost:Path", "x")]
    [InlineData("Streaming:Anything", "is checked by its own section")]
    public void What_belongs_to_others_stops_nothing(string setting, string value) => Assert.Empty(Problems([(setting, value)]));

    [Fact]
    public void A_variable_that_is_there_twice_is_named()
    {
        var line = Assert.Single(Problems([], ("ACCESS__DENY__0", "192.0.2.1"), ("Access__Deny__0", "192.0.2.2"), ("Drain__Window", "a"), ("path", "a"), ("PATH", "b")));

        Assert.Equal("ACCESS__DENY__0 and Access__Deny__0 are the same setting with different values; keep one of them.", line);
    }

    /// <summary>SQLCONNSTR_ and its like are the platform's, for Azure App Service, and go before the plain name or after it.</summary>
    [Theory]
    [InlineData("CUSTOMCONNSTR_redis")]
    [InlineData("SQLCONNSTR_redis")]
    [InlineData("SQLAZURECONNSTR_Redis")]
    [InlineData("RedisCacheConnStr_redis")]
    public void Two_variables_of_one_connection_string_are_named_without_their_values(string variable)
    {
        Assert.Empty(Problems([], (variable, "hunter2")));
        Assert.Empty(Problems([], (variable, "hunter2"), ("ConnectionStrings__redis", "hunter2"), ("ConnectionStrings__other", "hunter1")));
        var line = Assert.Single(Problems([], (variable, "hunter2"), ("ConnectionStrings__redis", "hunter1")));

        Assert.Equal($"{string.Join(" and ", new[] { "ConnectionStrings__redis", variable }.Order(StringComparer.Ordinal))} are the same setting with different values; keep one of them.", line);
    }

    /// <summary>Azure App Service gives each setting a second time, with a prefix; nobody can take that away.</summary>
    [Fact]
    public void The_copy_that_a_platform_makes_of_each_setting_stops_nothing_and_alone_it_is_no_copy()
    {
        Assert.Empty(Problems([("Access:Deny", "192.0.2.1"), ("APPSETTING_Access:Deny", "192.0.2.1"), ("Tls:Urls", "https://*:443"), ("APPSETTING_Tls:Urls", "https://*:443")]));
        Assert.Single(Problems([("APPSETTING_Access:Deny", "192.0.2.1")]));
        Assert.Single(Problems([("Access:Deny", "192.0.2.2"), ("APPSETTING_Access:Deny", "192.0.2.1")]));
    }

    private static string[] Problems((string Key, string Value)[] settings, params (string Key, string Value)[] variables)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build();
        return [.. SettingNames.Problems(configuration, variables.Select(variable => KeyValuePair.Create(variable.Key, (string?)variable.Value)))];
    }
}
