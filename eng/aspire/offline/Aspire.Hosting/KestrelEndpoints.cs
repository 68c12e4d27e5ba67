using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

/// <summary>The endpoints in the <c>Kestrel</c> section of a project's <c>appsettings.json</c>.</summary>
internal sealed class KestrelEndpoints
{
    private readonly (string Name, BindingAddress Address, string? Protocols)[] _endpoints;
    private readonly bool _defaultsToHttp2;

    private KestrelEndpoints((string Name, BindingAddress Address, string? Protocols)[] endpoints, bool defaultsToHttp2)
    {
        _endpoints = endpoints;
        _defaultsToHttp2 = defaultsToHttp2;
    }

    public static KestrelEndpoints None { get; } = new([], defaultsToHttp2: false);

    public bool Any => _endpoints.Length > 0;

    public static KestrelEndpoints Read(ProjectResource project)
    {
        var folder = Path.GetDirectoryName(project.GetProjectMetadata().ProjectPath);
        if (folder is null || !Directory.Exists(folder))
        {
            return None;
        }

        var environment = LaunchProfiles.GetEffective(project)?.Profile.EnvironmentVariables.GetValueOrDefault("ASPNETCORE_ENVIRONMENT") ?? "Production";
        var configuration = new ConfigurationBuilder()
            .AddJsonFile(Path.Combine(folder, "appsettings.json"), optional: true)
            .AddJsonFile(Path.Combine(folder, $"appsettings.{environment}.json"), optional: true)
            .Build();
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren()
            .Where(section => section["Url"] is not null)
            .Select(section => (section.Key, BindingAddress.Parse(section["Url"]!), section["Protocols"]));
        return new KestrelEndpoints([.. endpoints], configuration["Kestrel:EndpointDefaults:Protocols"] == "Http2");
    }

    public void SetTransport(EndpointAnnotation endpoint, string? protocols = null)
    {
        if (protocols is null ? _defaultsToHttp2 : protocols == "Http2")
        {
            endpoint.Transport = "http2";
        }
    }

    public void AddTo(IResourceBuilder<ProjectResource> builder)
    {
        var hosts = new Dictionary<EndpointAnnotation, string>();
        foreach (var group in _endpoints.GroupBy(e => e.Address.Scheme))
        {
            foreach (var (name, address, protocols) in group)
            {
                // The only endpoint of a scheme goes by the scheme, as those of a launch profile do.
                builder.WithEndpoint(group.Count() == 1 ? group.Key : name, endpoint =>
                {
                    // Deployed, the outer port belongs to the platform; here, a fixed inner port would keep replicas apart.
                    if (builder.ApplicationBuilder.ExecutionContext.IsPublishMode)
                    {
                        endpoint.TargetPort = address.Port;
                    }
                    else
                    {
                        endpoint.Port = address.Port;
                    }

                    endpoint.UriScheme = address.Scheme;
                    endpoint.TargetHost = address.Host;
                    SetTransport(endpoint, protocols);
                    hosts[endpoint] = address.Host;
                });
            }
        }

        if (Any)
        {
            ProjectEndpointVariables.AddKestrelUrls(builder, hosts);
        }
    }
}
