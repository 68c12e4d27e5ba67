using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>What every project gets: endpoints and environment from its launch profile and Kestrel configuration, telemetry, readable logs.</summary>
internal static class ProjectDefaults
{
    public static IResourceBuilder<ProjectResource> Apply(IResourceBuilder<ProjectResource> builder, ProjectResourceOptions options)
    {
        var application = builder.ApplicationBuilder;
        builder.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "in_memory");
        if (application.ExecutionContext.IsRunMode && application.Environment.IsDevelopment())
        {
            builder.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION", "true");
            builder.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION", "true");
        }

        builder.WithOtlpExporter();
        if (application.ExecutionContext.IsRunMode)
        {
            builder.WithEnvironment("DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION", "true");
            builder.WithEnvironment("LOGGING__CONSOLE__FORMATTERNAME", "simple");
        }
        else
        {
            builder.WithEnvironment(context =>
            {
                if (builder.Resource.GetEndpoints().Any() && !builder.Resource.HasAnnotationOfType<DisableForwardedHeadersAnnotation>())
                {
                    context.EnvironmentVariables["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";
                }
            });
        }

        AnnotateLaunchProfile(builder, options);
        var profile = LaunchProfiles.GetEffective(builder.Resource);
        var kestrel = options.ExcludeKestrelEndpoints ? KestrelEndpoints.None : KestrelEndpoints.Read(builder.Resource);
        kestrel.AddTo(builder);
        if (application.ExecutionContext.IsRunMode)
        {
            ApplyForRun(builder, profile, kestrel);
        }
        else
        {
            ApplyForPublish(builder, profile, kestrel);
        }

        return builder;
    }

    private static void AnnotateLaunchProfile(IResourceBuilder<ProjectResource> builder, ProjectResourceOptions options)
    {
        var configuration = builder.ApplicationBuilder.Configuration;
        if (options.ExcludeLaunchProfile)
        {
            builder.WithAnnotation(new ExcludeLaunchProfileAnnotation());
        }
        else if (!string.IsNullOrEmpty(options.LaunchProfileName))
        {
            builder.WithAnnotation(new LaunchProfileAnnotation(options.LaunchProfileName));
        }
        else if ((configuration["AppHost:DefaultLaunchProfileName"] ?? configuration["DOTNET_LAUNCH_PROFILE"]) is { Length: > 0 } appHostProfile)
        {
            builder.WithAnnotation(new DefaultLaunchProfileAnnotation(appHostProfile));
        }
    }

    private static void ApplyForRun(IResourceBuilder<ProjectResource> builder, NamedLaunchProfile? profile, KestrelEndpoints kestrel)
    {
        if (!kestrel.Any)
        {
            ProjectEndpointVariables.AddUrls(builder);
        }

        if (profile is null)
        {
            return;
        }

        if (!kestrel.Any)
        {
            AddLaunchProfileEndpoints(builder, profile.Profile, kestrel);
        }

        builder.WithEnvironment(context =>
        {
            context.EnvironmentVariables.TryAdd("DOTNET_LAUNCH_PROFILE", profile.Name);
            foreach (var (name, value) in profile.Profile.EnvironmentVariables)
            {
                context.EnvironmentVariables.TryAdd(name, Environment.ExpandEnvironmentVariables(value));
            }
        });
    }

    private static void AddLaunchProfileEndpoints(IResourceBuilder<ProjectResource> builder, LaunchProfile profile, KestrelEndpoints kestrel)
    {
        var countByScheme = new Dictionary<string, int>();
        foreach (var url in profile.ApplicationUrl?.Split(';', StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            var address = BindingAddress.Parse(url);
            var count = countByScheme[address.Scheme] = countByScheme.GetValueOrDefault(address.Scheme) + 1;
            builder.WithEndpoint(count == 1 ? address.Scheme : $"{address.Scheme}{count}", endpoint =>
            {
                endpoint.Port = address.Port;
                endpoint.TargetHost = address.Host;
                endpoint.UriScheme = address.Scheme;
                endpoint.FromLaunchProfile = true;
                kestrel.SetTransport(endpoint);
            });
        }

        if (!Uri.TryCreate(profile.LaunchUrl, UriKind.RelativeOrAbsolute, out var launchUrl))
        {
            return;
        }

        builder.WithUrls(context =>
        {
            foreach (var url in context.Urls.Where(u => u.Endpoint is { Exists: true, EndpointAnnotation.FromLaunchProfile: true }))
            {
                url.Url = launchUrl.IsAbsoluteUri ? launchUrl.OriginalString : new Uri(new Uri(url.Url), launchUrl).ToString();
            }
        });
    }

    private static void ApplyForPublish(IResourceBuilder<ProjectResource> builder, NamedLaunchProfile? profile, KestrelEndpoints kestrel)
    {
        if (!kestrel.Any)
        {
            ProjectEndpointVariables.AddPorts(builder);
        }

        // Only what says itself to be a web project gets bindings that nobody asked for.
        if (profile?.Profile.ApplicationUrl is null && !kestrel.Any)
        {
            return;
        }

        var http = GetOrAdd("http");
        var https = GetOrAdd("https");
        http.TargetPort = https.TargetPort = http.TargetPort ?? https.TargetPort;

        EndpointAnnotation GetOrAdd(string scheme)
        {
            var existing = builder.Resource.Annotations.OfType<EndpointAnnotation>()
                .FirstOrDefault(e => e.UriScheme == scheme || string.Equals(e.Name, scheme, StringComparison.OrdinalIgnoreCase));
            if (existing is not null)
            {
                return existing;
            }

            EndpointAnnotation? added = null;
            builder.WithEndpoint(scheme, endpoint =>
            {
                endpoint.UriScheme = scheme;
                kestrel.SetTransport(endpoint);
                added = endpoint;
            });
            if (scheme == "https")
            {
                builder.Resource.DefaultHttpsEndpoint = added;
            }

            return added!;
        }
    }
}
