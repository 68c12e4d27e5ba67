using SseApp.ServiceDefaults.Defaults.Admin;

namespace SseApp.AppHost.Operations;

/// <summary>
/// Where the services answer operators, and the key for it: a file that only this user can read, in a folder of this run
/// that goes with it.
/// </summary>
internal sealed class OperatorListeners : IDisposable
{
    private const string EndpointName = "admin";

    private readonly Lazy<AdminKey> _key;
    private DirectoryInfo? _folder;

    /// <param name="configuredFile">A key file that whoever started the AppHost chose for all services.</param>
    public OperatorListeners(string? configuredFile) => _key = new Lazy<AdminKey>(() =>
    {
        if (!string.IsNullOrWhiteSpace(configuredFile))
        {
            return AdminKeyFile.ReadOrCreate(configuredFile);
        }

        _folder = Directory.CreateTempSubdirectory("sseapp-");
        return AdminKeyFile.ReadOrCreate(Path.Combine(_folder.FullName, "admin.key"));
    });

    public AdminKey Key => _key.Value;

    public static EndpointReference Of(IResourceBuilder<ProjectResource> service) => service.GetEndpoint(EndpointName);

    /// <summary>Shows the key in the dashboard as a secret: hidden until somebody asks for it, and in no log or link.</summary>
    public void ShowKey(IDistributedApplicationBuilder builder)
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            builder.AddParameter("operator-key", () => Key.Text, secret: true);
        }
    }

    /// <summary>
    /// Gives each instance a free port for operators. Published services keep the default, which is loopback in their own
    /// container: what a target does with a second HTTP endpoint is its own, and one that made it public would have asked nobody.
    /// </summary>
    public void AddTo(IResourceBuilder<ProjectResource> service, bool proxied)
    {
        if (!service.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            return;
        }

        service
            .WithHttpEndpoint(name: EndpointName, isProxied: proxied)
            .WithEndpointsInEnvironment(static endpoint => endpoint.Name != EndpointName)
            .WithUrlForEndpoint(EndpointName, static url =>
            {
                url.DisplayText = "For operators, with the key";
                url.DisplayLocation = UrlDisplayLocation.DetailsOnly;
            })
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["Admin__Urls"] = ReferenceExpression.Create($"http://localhost:{Of(service).Property(EndpointProperty.TargetPort)}");
                context.EnvironmentVariables["Admin__KeyFile"] = Key.File;
            });
    }

    public void Dispose()
    {
        try
        {
            _folder?.Delete(recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is the system's to clean up.
        }
    }
}
