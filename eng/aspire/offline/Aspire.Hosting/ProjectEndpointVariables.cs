using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Tells a project the addresses to listen on.</summary>
internal static class ProjectEndpointVariables
{
    /// <summary><c>ASPNETCORE_URLS</c>, unless something else sets it.</summary>
    public static void AddUrls(IResourceBuilder<ProjectResource> builder)
        => builder.WithEnvironment(context =>
        {
            if (context.EnvironmentVariables.ContainsKey("ASPNETCORE_URLS"))
            {
                return;
            }

            var urls = new ReferenceExpressionBuilder();
            foreach (var endpoint in GetEndpoints(builder.Resource))
            {
                // The redirection to https must name the proxy's port, which the project does not listen on.
                if (endpoint.IsHttps)
                {
                    context.EnvironmentVariables.TryAdd("ASPNETCORE_HTTPS_PORT", endpoint.Property(EndpointProperty.Port));
                }

                var separator = urls.IsEmpty ? string.Empty : ";";
                urls.Append($"{separator}{endpoint.Property(EndpointProperty.Scheme)}://{endpoint.EndpointAnnotation.TargetHost}:{endpoint.Property(EndpointProperty.TargetPort)}");
            }

            if (!urls.IsEmpty)
            {
                context.EnvironmentVariables["ASPNETCORE_URLS"] = urls.Build();
            }
        });

    /// <summary><c>HTTP_PORTS</c> and <c>HTTPS_PORTS</c>, over those that the image of a published project sets.</summary>
    public static void AddPorts(IResourceBuilder<ProjectResource> builder)
        => builder.WithEnvironment(context =>
        {
            AddPorts(context, builder.Resource, "HTTP_PORTS", "http");
            AddPorts(context, builder.Resource, "HTTPS_PORTS", "https");
        });

    /// <summary><c>Kestrel__Endpoints__{name}__Url</c>: when Kestrel's configuration has endpoints, it looks nowhere else.</summary>
    public static void AddKestrelUrls(IResourceBuilder<ProjectResource> builder, IReadOnlyDictionary<EndpointAnnotation, string> hosts)
        => builder.WithEnvironment(context =>
        {
            foreach (var endpoint in GetEndpoints(builder.Resource).Where(e => e.EndpointAnnotation != builder.Resource.DefaultHttpsEndpoint))
            {
                var host = context.ExecutionContext.IsRunMode ? hosts.GetValueOrDefault(endpoint.EndpointAnnotation, "*") : "*";
                context.EnvironmentVariables[$"Kestrel__Endpoints__{endpoint.EndpointName}__Url"]
                    = ReferenceExpression.Create($"{endpoint.EndpointAnnotation.UriScheme}://{host}:{endpoint.Property(EndpointProperty.TargetPort)}");
            }
        });

    private static void AddPorts(EnvironmentCallbackContext context, ProjectResource project, string variable, string scheme)
    {
        if (context.EnvironmentVariables.ContainsKey(variable))
        {
            return;
        }

        var ports = new ReferenceExpressionBuilder();

        // A deployed image has no certificate: https that nobody asked for ends in front of it.
        foreach (var endpoint in GetEndpoints(project).Where(e => e.EndpointAnnotation.UriScheme == scheme && e.EndpointAnnotation != project.DefaultHttpsEndpoint))
        {
            var separator = ports.IsEmpty ? string.Empty : ";";
            ports.Append($"{separator}{endpoint.Property(EndpointProperty.TargetPort)}");
        }

        if (!ports.IsEmpty)
        {
            context.EnvironmentVariables[variable] = ports.Build();
        }
    }

    private static IEnumerable<EndpointReference> GetEndpoints(ProjectResource project)
        => project.GetEndpoints().Where(e => project.EndpointEnvironmentFilter(e.EndpointAnnotation));
}
