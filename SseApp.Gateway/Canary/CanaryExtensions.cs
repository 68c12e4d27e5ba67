using System.Diagnostics;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Cluster.WarmUp;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace SseApp.Gateway.Canary;

internal static class CanaryExtensions
{
    /// <summary>Adds the canary, unless section <c>Canary</c> says that there is none, and what opens streams in its way before the gateway is ready.</summary>
    public static void AddCanary(this WebApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<CanaryOptions>(CanaryOptions.SectionName);
        builder.AddWarmUp<GatewayWarmUp>();
        var enabled = Settings.Bind(builder.Configuration.GetSection(CanaryOptions.SectionName), new CanaryOptions()).Enabled;
        if (!enabled && !builder.IsWarmUpEnabled())
        {
            return;
        }

        builder.Services.AddClusterSigning();
        builder.Services.AddSingleton<CanaryIdentity>();
        if (enabled)
        {
            builder.Services.AddSingleton<CanaryMetrics>();
            builder.Services.AddHostedService<CanaryService>();
        }
    }

    /// <summary>
    /// Knows the canary's requests from here on. They go the way of everybody's, but neither limits nor address lists are about them, and
    /// they are in no number and no log that is about clients.
    /// </summary>
    public static void UseCanary(this IApplicationBuilder app)
    {
        if (app.ApplicationServices.GetService<CanaryIdentity>() is not { } identity)
        {
            return;
        }

        app.Use((context, next) =>
        {
            if (context.Request.Headers.ContainsKey(RequestSignature.Header) && identity.IsOwn(context))
            {
                Mark(context);
            }

            return next(context);
        });
    }

    /// <summary>Tells the replica whose request it is.</summary>
    public static void Apply(TransformBuilderContext context)
    {
        if (!string.Equals(context.Cluster?.ClusterId, ReplicaDirectory.ClusterId, StringComparison.Ordinal))
        {
            return;
        }

        context.AddRequestTransform(static transform =>
        {
            if (ClientRequest.Of(transform.HttpContext).IsCanary)
            {
                // What a client sends under this name is dropped with all that is named so.
                transform.ProxyRequest.Headers.TryAddWithoutValidation(StreamHeaders.Canary, "1");
            }

            return default;
        });
    }

    private static void Mark(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        request.IsCanary = true;
        // All canaries have one address: each reconnect is to find a replica of its own.
        request.Hash = (ulong)Random.Shared.NextInt64();
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } tags)
        {
            tags.MetricsDisabled = true;
        }

        if (Activity.Current is { } span)
        {
            span.IsAllDataRequested = false;
            span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }
    }
}
