using Microsoft.Extensions.Hosting.Internal;
using SseApp.AppHost;

namespace SseApp.Tests.AppHost;

/// <summary>The commands that are printed when the cluster is ready.</summary>
public sealed class ReadyCommandTests
{
    [Theory]
    [InlineData("", "Development", false)]
    [InlineData("Security:Issuers:0:Issuer=a Security:Issuers:0:Audience=b", "Development", true)]
    [InlineData("Security:ApiKeyFile=keys.json", "Development", true)]
    [InlineData("Security:ApiKeyFile=keys.json Security:AllowAnonymous=true", "Development", false)]
    [InlineData("Security:AllowAnonymous=true", "Production", false)]
    public void They_have_a_credential_where_clients_need_one(string settings, string environment, bool closed)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(setting => setting.Split('=')).Select(pair => KeyValuePair.Create(pair[0], (string?)pair[1])))
            .Build();
        Assert.Equal(closed ? "-H \"Authorization: Bearer $TOKEN\" " : "", ClusterExtensions.CredentialOf(configuration, new HostingEnvironment { EnvironmentName = environment }));
    }
}
