using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.Tests.ServiceDefaults.Cluster.Credentials;

public sealed class GrantsTests
{
    [Theory]
    [InlineData("orders.*", "orders.1", true)]
    [InlineData("orders.*", "orders.1.lines", true)]
    [InlineData("orders.*", "orders", false)]
    [InlineData("orders.?", "orders.12", false)]
    [InlineData("orders", "Orders", false)]
    [InlineData("*", "anything/at:all", true)]
    public void A_pattern_lets_in_what_it_says(string pattern, string topic, bool matches)
    {
        var grants = new Grants([pattern], [], []);
        Assert.Equal(matches ? pattern : null, grants.SubscribedBy(topic));
        Assert.Null(grants.PublishedBy(topic));
    }

    [Fact]
    public void The_right_to_read_is_not_the_right_to_publish()
    {
        var grants = new Grants([], ["orders.*"], [Grants.MetricsScope, "other:scope"]);
        Assert.Equal("orders.*", grants.PublishedBy("orders.1"));
        Assert.Null(grants.SubscribedBy("orders.1"));
        Assert.True(grants.Has(Grants.MetricsScope));
        Assert.False(grants.Has(Grants.AdminScope));
        Assert.False(grants.Has("other:scope"));
    }

    [Theory]
    [InlineData("user.{sub}.*", "alice", "user.alice.*")]
    [InlineData("{sub}", "alice", "alice")]
    [InlineData("{sub}/{sub}", "a", "a/a")]
    [InlineData("plain.*", "alice", "plain.*")]
    [InlineData("user.{sub}.*", "a.b", null)]
    [InlineData("user.{sub}.*", "a:b", null)]
    [InlineData("user.{sub}.*", "a/b", null)]
    [InlineData("user.{sub}.*", "*", null)]
    [InlineData("user.{sub}.*", "?", null)]
    [InlineData("user.{sub}.*", "..", null)]
    [InlineData("user.{sub}.*", "", null)]
    [InlineData("user.{sub}.*", "{sub}", null)]
    [InlineData("user.{sub}.*", "a b", null)]
    [InlineData("user.{sub}.*", "a\\", null)]
    [InlineData("user.{sub}.*", "ä", null)]
    [InlineData("user.{sub}.*", null, null)]
    [InlineData("user.{other}.*", "alice", null)]
    [InlineData("user.{sub", "alice", null)]
    [InlineData("user.{}", "alice", null)]
    [InlineData("user.sub}", "alice", null)]
    [InlineData("orders/../{sub}", "alice", null)]
    [InlineData("user.{sub:hash}", "", null)]
    public void A_claim_is_put_in_as_what_it_is_or_the_grant_does_not_count(string template, string? sub, string? expected) =>
        Assert.Equal(expected, PatternTemplate.Fill(template, name => name == "sub" ? sub : null));

    [Fact]
    public void An_address_is_put_in_as_its_hash()
    {
        // printf alice@example.com | sha256sum
        Assert.Equal(
            "inbox.ff8d9819fc0e12bf0d24892e45987e249a28dce836a85cad60e28eaaa8c6d976",
            PatternTemplate.Fill("inbox.{email:hash}", name => name == "email" ? "alice@example.com" : null));
    }

    [Fact]
    public void A_claim_too_long_for_a_topic_gives_nothing() =>
        Assert.Null(PatternTemplate.Fill("user.{sub}", _ => new string('a', TopicName.MaxLength)));

    [Theory]
    [InlineData("user.{sub}.*", true)]
    [InlineData("inbox.{email:hash}", true)]
    [InlineData("orders.*", true)]
    [InlineData("user.{", false)]
    [InlineData("inbox.{sub}*", false)]
    [InlineData("inbox.*{sub}", false)]
    [InlineData("inbox.{sub}-?.x", false)]
    [InlineData("inbox.{tenant}-{sub}", false)]
    [InlineData("inbox.{tenant}{sub}.*", false)]
    [InlineData("inbox-{sub}.*", true)]
    [InlineData("*.{tenant}:{sub}/*", true)]
    [InlineData("inbox.{sub:hash}*", true)]
    [InlineData("inbox.{https://id.example.com/name}*", false)]
    [InlineData("with space", false)]
    [InlineData("", false)]
    public void A_template_is_checked_before_there_is_a_token(string template, bool valid) => Assert.Equal(valid, PatternTemplate.IsValid(template));

    [Fact]
    public void What_one_user_may_is_never_what_another_ones_name_makes_of_it() =>
        Gen.String[Gen.Char["ab.:/*?{}_-@ ä"], 0, 6].Sample(sub =>
        {
            if (PatternTemplate.Fill("user.{sub}.*", _ => sub) is { } pattern)
            {
                Assert.True(TopicPattern.Matches(pattern, $"user.{sub}.x"));
                Assert.False(TopicPattern.Matches(pattern, $"user.{sub}c.x"));
                Assert.False(TopicPattern.Matches(pattern, $"user.other.{sub}.x"));
                Assert.Equal(3, pattern.Split('.', ':', '/').Length);
            }
        });
}
