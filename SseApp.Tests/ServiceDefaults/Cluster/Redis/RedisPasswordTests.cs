using StackExchange.Redis;

namespace SseApp.Tests.ServiceDefaults.Cluster.Redis;

/// <summary>Whatever a password is made of, there is a way to set it, and what cannot stand in a connection string is told.</summary>
public sealed class RedisPasswordTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Theory]
    [InlineData("a=b=", true)]
    [InlineData("a b", true)]
    [InlineData("ä€", true)]
    [InlineData("a,b=c d", false)]
    [InlineData(" a,ssl=true ", false)]
    [InlineData(",", false)]
    public async Task A_password_of_any_letters_can_be_set(string password, bool inConnectionString)
    {
        await redis.RequireAsync();
        var user = $"u{Guid.NewGuid():N}";
        await using (var connection = await ConnectionMultiplexer.ConnectAsync(redis.ConnectionString))
        {
            await connection.GetDatabase().ExecuteAsync("ACL", "SETUSER", user, "on", $">{password}", "~*", "&*", "+@all");
        }

        await using var host = inConnectionString
            ? await EventsHost.StartAsync($"{redis.ConnectionString},user={user},password={password}")
            : await EventsHost.StartAsync($"{redis.ConnectionString},user={user}", settings: (RedisCredentials.PasswordSetting, password));

        using var answer = await host.PublishAsync("t", "x");
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    [Theory]
    [InlineData("localhost,password=secret", null)]
    [InlineData("a:1,b:2,password=secret,ssl=true,abortConnect=false,$CONFIG=,", null)]
    [InlineData("localhost, Password = secret , SSL = true", null)]
    [InlineData("localhost,password=a,b", "is no option. A comma")]
    [InlineData("localhost,password=a,b=c", "is no option. A comma")]
    [InlineData("localhost,password=a,other:6379", "servers before all options")]
    [InlineData("localhost,password=secret,sll=true", "did you mean ssl?")]
    [InlineData("localhost,password=secret,abortConnct=true", "did you mean abortConnect?")]
    public void What_a_comma_may_have_cut_off_is_told_without_it(string connection, string? told)
    {
        var cut = RedisCredentials.Cut(connection);
        if (told is null)
        {
            Assert.Null(cut);
            return;
        }

        Assert.Contains(told, cut, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", cut, StringComparison.Ordinal);
    }
}
