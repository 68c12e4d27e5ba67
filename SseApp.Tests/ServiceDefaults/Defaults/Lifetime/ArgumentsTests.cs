using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>What the framework would leave out, or swallow, in silence.</summary>
public sealed class ArgumentsTests
{
    // Spaces separate arguments.
    [Theory]
    [InlineData("Access:Deny", "The argument 'Access:Deny' is neither a setting nor the value of one; write --Access:Deny=<value>.")]
    [InlineData("--Access:Deny", "The argument '--Access:Deny' has no value; write --Access:Deny=<value>.")]
    [InlineData("/Access:Deny", "The argument '/Access:Deny' has no value; write --Access:Deny=<value>.")]
    [InlineData("-- --Access:Deny=127.0.0.1", "The argument '--' belongs to 'dotnet run'; *")]
    [InlineData("--Access:Deny:", "The argument '--Access:Deny:' has an empty part in its name; write --Access:Deny=<value>.")]
    [InlineData("--Access:Deny:=127.0.0.1", "The argument '--Access:Deny:' has an empty part in its name; *")]
    [InlineData("--Access::Deny=127.0.0.1", "The argument '--Access::Deny' has an empty part in its name; write --Access:Deny=<value>.")]
    [InlineData("--:Access:Deny=127.0.0.1", "The argument '--:Access:Deny' has an empty part in its name; write --Access:Deny=<value>.")]
    [InlineData("--=127.0.0.1", "The argument '--' has an empty part in its name; *")]
    [InlineData("=127.0.0.1", "The argument '' has an empty part in its name; *")]
    [InlineData("-Access:Deny=127.0.0.1", "The argument '-Access:Deny' begins with one dash, *; write --Access:Deny=<value>.")]
    [InlineData("-x", "The argument '-x' begins with one dash, *; write --Section:Name=value.")]
    [InlineData("-", "The argument '-' begins with one dash, *")]
    [InlineData("127.0.0.1", "The argument '127.0.0.1' is neither a setting nor the value of one; *")]
    [InlineData("--Access:Deny= 127.0.0.1", "The argument '127.0.0.1' is neither a setting nor the value of one; *without spaces beside the '='.")]
    [InlineData("--Access:Deny 127.0.0.1 10.0.0.1", "The argument '10.0.0.1' is neither *")]
    [InlineData("--Access:Deny --Cors:Origins=http://a.example", "The argument '--Access:Deny' has no value, and would take the argument after it, '--Cors:Origins', for one; *")]
    [InlineData("--Access:Deny --Cors:Origins http://a.example", "The argument '--Access:Deny' has no value, *")]
    [InlineData("--Access:Deny /Cors:Origins=http://a.example", "The argument '--Access:Deny' has no value, *")]
    [InlineData("--Access:Deny Cors:Origins=http://a.example", "The argument '--Access:Deny' has no value, *")]
    [InlineData("--Access:Deny=127.0.0.1 --access:deny=10.0.0.1", "The argument --Access:Deny is there 2 times, with different values; keep one of them.")]
    [InlineData("--Access:Deny=127.0.0.1 /Access:Deny 10.0.0.1", "The argument --Access:Deny is there 2 times, *")]
    [InlineData("--urls=http://127.0.0.1:0 ", "Argument 2 is empty; take it away.")]
    public void An_argument_that_would_mean_nothing_is_named(string arguments, string line)
    {
        var problem = Assert.Single(Arguments.Problems(arguments.Split(' ')));

        Assert.True(System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(line, problem, ignoreCase: false), problem);
    }

    [Theory]
    [InlineData("--Access:Deny=127.0.0.1")]
    [InlineData("--Access:Deny=")]
    [InlineData("Access:Deny=127.0.0.1")]
    [InlineData("/Access:Deny=127.0.0.1")]
    [InlineData("--Access:Deny 127.0.0.1")]
    [InlineData("/Access:Deny 127.0.0.1")]
    [InlineData("--AccessLog:File /var/log/a=b.log")]
    [InlineData("--urls http://127.0.0.1:0")]
    [InlineData("--ConnectionStrings:redis=localhost,password=a=b")]
    [InlineData("--Access:Deny=127.0.0.1 --Access:Deny=127.0.0.1")]
    public void What_the_framework_takes_is_left_to_it(string arguments) => Assert.Empty(Arguments.Problems(arguments.Split(' ')));

    [Theory]
    [InlineData("--Security:GatewayKey= hunter2")]
    [InlineData("--Tls:Password= hunter2")]
    [InlineData("--Tls:Password hunter1 --Tls:Password hunter2")]
    [InlineData("--Tls:Pasword --Tls:Password=hunter2")]
    public void A_secret_is_not_repeated(string arguments) =>
        Assert.DoesNotContain("hunter", Assert.Single(Arguments.Problems(arguments.Split(' '))), StringComparison.Ordinal);

    [Fact]
    public void An_argument_that_nobody_reads_is_named_with_what_it_may_mean()
    {
        string[] args = ["--Deny=127.0.0.1", "--colour", "red", "--Access:Deny=127.0.0.1", "--environment=Staging", "--Kestrel:Limits:MaxConcurrentConnections=5", "--contentRoot", "/tmp", "--Logging:LogLevel:Default=Debug"];

        Assert.Equal(["Deny", "colour"], Arguments.Unknown(args));
        Assert.Equal("The argument --Deny is no setting; did you mean --Access:Deny=<value>?", Arguments.Unread("Deny"));
        Assert.StartsWith("The argument --colour is no setting, and nobody reads it; take it away, or write --Section:Name=value with one of the sections Access, ", Arguments.Unread("colour"), StringComparison.Ordinal);
    }
}
