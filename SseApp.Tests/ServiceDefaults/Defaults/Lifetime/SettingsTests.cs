using SseApp.Events.Diagnostics;
using SseApp.Events.FanOut;
using SseApp.Gateway.Security;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

public sealed class SettingsTests
{
    [Theory]
    [InlineData("""{ "Access": { "Deny": "192.0.2.1" } }""", "192.0.2.1")]
    [InlineData("""{ "Access": { "Deny": "192.0.2.1, 2001:db8::/32 ,192.0.2.3" } }""", "192.0.2.1 2001:db8::/32 192.0.2.3")]
    [InlineData("""{ "Access": { "Deny": ["192.0.2.1", " 192.0.2.2 "] } }""", "192.0.2.1 192.0.2.2")]
    [InlineData("""{ "access": { "DENY": { "1": "192.0.2.2", "10": "192.0.2.3" } } }""", "192.0.2.2 192.0.2.3")]
    [InlineData("""{ "Access": { "Deny": "" } }""", "")]
    [InlineData("""{ "Access": { "Deny": [] } }""", "")]
    [InlineData("""{ "Access": { "Deny": null } }""", "")]
    [InlineData("""{ "Access": { "Deny": {} } }""", "")]
    [InlineData("""{ "Access": {} }""", "")]
    [InlineData("""{ "Access": null }""", "")]
    public void A_list_is_written_in_many_ways(string json, string items)
    {
        var section = Section(json, AccessOptions.SectionName);
        var options = Settings.Bind(section, new AccessOptions());

        Assert.Empty(Settings.Problems(section, options));
        Assert.Equal(items, string.Join(' ', options.Deny));
        Assert.Empty(options.Allow);
    }

    [Theory]
    [InlineData("""{ "Access": { "Deny": { "": "192.0.2.1" } } }""", "Access:Deny: is '192.0.2.1', but the items of Access:Deny have numbers; *")]
    [InlineData("""{ "Access": { "Deny": [["192.0.2.1"]] } }""", "Access:Deny:0:0 is '192.0.2.1', but Access:Deny:0 is one value; *|Access:Deny:0 is a section; *")]
    [InlineData("""{ "Access": { "Deny": [null] } }""", "Access:Deny:0 is null; *")]
    [InlineData("""{ "Access": { "Deny": true } }""", "Access:Deny contains 'True'; *")]
    [InlineData("""{ "Access": { "Deny:0": "192.0.2.1", "Deny": "192.0.2.2" } }""", "Access:Deny is '192.0.2.2', and there is Access:Deny:0 as well; *")]
    [InlineData("""{ "Access": { "Deny": ["192.0.2.1,192.0.2.2"] } }""", "Access:Deny:0 is '192.0.2.1,192.0.2.2'; *")]
    [InlineData("""{ "Access": ["192.0.2.1"] }""", "Access:0 is '192.0.2.1', but there is no setting Access:0. Allowed: Allow, Deny.")]
    [InlineData("""{ "Access": { "Deney": { "0": "192.0.2.1", "1": "192.0.2.2" } } }""", "Access:Deney:0 is '192.0.2.1', but there is no setting Access:Deney; did you mean Access:Deny? *|Access:Deney:1 is '192.0.2.2', *")]
    [InlineData("""{ "Access": { "Allow": {"_0": "192.0.2.1"}, "Deny_0": "192.0.2.1" } }""", "Access:Allow:_0 is '192.0.2.1', *|Access:Deny_0 is '192.0.2.1', *did you mean Access:Deny?*")]
    public void What_is_no_list_of_addresses_is_named(string json, string lines) => AssertLines(json, AccessOptions.SectionName, new AccessOptions(), lines);

    [Theory]
    [InlineData("""{ "Streaming": { "Overflow": [{ "Pattern": "a*", "Policy": "Drop" }] } }""", "Streaming:Overflow:0:Policy is 'Drop'; it must be one of *DropOldest*.")]
    [InlineData("""{ "Streaming": { "Overflow": [{ "Pattern": "a*", "Policy": 1 }] } }""", "Streaming:Overflow:0:Policy is '1'; it must be one of *")]
    [InlineData("""{ "Streaming": { "Overflow": [{ "Pattern": "a*", "Polcy": "DropOldest" }] } }""", "Streaming:Overflow:0:Polcy is 'DropOldest', but there is no setting Streaming:Overflow:0:Polcy; did you mean Streaming:Overflow:0:Policy? Allowed: Pattern, Policy.")]
    [InlineData("""{ "Streaming": { "Overflow": [{ "Pattern": "a*" }, { "Policy": "DropOldest" }] } }""", "Streaming:Overflow:1:Pattern is empty; a value is needed.")]
    [InlineData("""{ "Streaming": { "Overflow": { "3": { "Pattern": "a*" }, "5": { "Pattern": "" } } } }""", "Streaming:Overflow:5:Pattern is empty; a value is needed.")]
    [InlineData("""{ "Streaming": { "Overflow": { "Pattern": "a*" } } }""", "Streaming:Overflow:Pattern is 'a*', but the items of Streaming:Overflow have numbers; allowed: Streaming:Overflow:0:Pattern, Streaming:Overflow:0:Policy.")]
    [InlineData("""{ "Streaming": { "Overflow": ["DropOldest", {}] } }""", "Streaming:Overflow:0 is 'DropOldest', but it is a section; allowed: *|Streaming:Overflow:1 is null; allowed: *")]
    [InlineData("""{ "Streaming": { "Overflow": "Drop" } }""", "Streaming:Overflow is 'Drop', but it is a list of sections; allowed: Streaming:Overflow:0:Pattern, *")]
    [InlineData("""{ "Streaming": { "MaxTopics": [5], "Shards": null, "HeartbeatInterval": 30, "RetryMin": "" } }""", "Streaming:MaxTopics:0 is '5', but Streaming:MaxTopics is one value; it must be a whole number between 1 and 1000.|Streaming:Shards is null; *|Streaming:HeartbeatInterval is '30'; it must be a time between *|Streaming:RetryMin is ''; *")]
    [InlineData("""{ "Streaming": { "MaxTopics": { "Value": { "x": 5 } } } }""", "Streaming:MaxTopics:Value:x is '5', but Streaming:MaxTopics is one value; *")]
    [InlineData("""{ "Streaming": "fast" }""", "Streaming is 'fast', but it is a section; allowed: *")]
    [InlineData("""{ "Streaming": { "MaxConectionAge": 0, "Deep": { "er": null } } }""", "Streaming:MaxConectionAge is '0', but there is no setting *; did you mean Streaming:MaxConnectionAge? *|Streaming:Deep:er is null, but there is no setting Streaming:Deep. Allowed: *")]
    public void What_is_no_setting_of_streaming_is_named_at_any_depth(string json, string lines) => AssertLines(json, StreamingOptions.SectionName, new StreamingOptions(), lines);

    [Fact]
    public void What_can_be_read_is_bound_beside_what_cannot()
    {
        var options = Settings.Bind(
            Section("""{ "Streaming": { "MaxTopics": 5, "Shards": "many", "MaxConnectionAge": "0", "Overflow": [{ "Pattern": "a*", "Policy": "dropoldest" }, "x"] } }""", StreamingOptions.SectionName),
            new StreamingOptions());

        Assert.Equal(5, options.MaxTopics);
        Assert.Equal(0, options.Shards);
        Assert.Equal(TimeSpan.Zero, options.MaxConnectionAge);
        Assert.Equal(OverflowPolicy.DropOldest, Assert.Single(options.Overflow).Policy);
    }

    [Fact]
    public void What_another_process_reads_in_the_same_section_is_no_mistake()
    {
        var section = Section("""{ "Cluster": { "Replicas": 5, "KeyPrefix": "blue", "Replica": 5 } }""", "Cluster");

        var line = Assert.Single(Settings.Problems(section, new SseApp.ServiceDefaults.Cluster.Redis.ClusterOptions(), SettingNames.Of("Cluster")));
        Assert.StartsWith("Cluster:Replica is '5', but there is no setting Cluster:Replica; did you mean Cluster:Replicas?", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_forbidden_value_leaves_the_default_where_the_start_goes_on()
    {
        var options = Settings.BindAllowed(Section("""{ "Cluster": { "Replicas": 65, "GatewayPort": 0, "DashboardPort": "x" } }""", "Cluster"), new SseApp.AppHost.ClusterOptions { GatewayPort = 1 });

        Assert.Equal(3, options.Replicas);
        Assert.Equal(0, options.GatewayPort);
        Assert.Null(options.DashboardPort);
    }

    [Theory]
    [InlineData("""{ "Tls": { "Pasword": "hunter2" } }""")]
    [InlineData("""{ "Tls": { "Password": { "x": "hunter2" } } }""")]
    [InlineData("""{ "Tls": "hunter2" }""")]
    public void A_secret_is_not_repeated(string json) =>
        Assert.All(
            Settings.Problems(Section(json, "Tls"), new SseApp.Gateway.Tls.TlsOptions()),
            line => Assert.DoesNotContain("hunter2", line, StringComparison.Ordinal));

    /// <summary>By its letters "Timeout" is nearest to the secret, and a part of the name that is proposed.</summary>
    [Theory]
    [InlineData("Timeout", "TimeoutOfEachWholeRequest")]
    [InlineData("Tokn", "Token")]
    public void What_may_have_been_meant_as_a_secret_is_not_repeated_whatever_is_proposed(string name, string proposed)
    {
        var line = Assert.Single(Settings.Problems(Section($$"""{ "Any": { "{{name}}": "hunter2" } }""", "Any"), new WithSecret()));

        Assert.StartsWith($"Any:{name} is ***, but there is no setting Any:{name}; did you mean Any:{proposed}?", line, StringComparison.Ordinal);
    }

    private static void AssertLines<T>(string json, string name, T options, string lines)
        where T : class
    {
        var section = Section(json, name);
        var problems = Settings.Problems(section, Settings.Bind(section, options));

        var expected = lines.Split('|');
        Assert.All(expected, line => Assert.Contains(problems, one => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(line, one, ignoreCase: false)));
        Assert.Equal(expected.Length, problems.Count);
    }

    private static IConfigurationSection Section(string json, string name) =>
        new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build().GetSection(name);

    private sealed class WithSecret
    {
        public string Token { get; set; } = "";

        public TimeSpan TimeoutOfEachWholeRequest { get; set; }
    }
}
