using SseApp.AppHost;
using SseApp.AppHost.Archive;
using SseApp.AppHost.Backplane;
using SseApp.AppHost.Monitoring;
using SseApp.AppHost.Operations;
using SseApp.AppHost.Startup;
using SseApp.AppHost.Supervision;
using SseApp.ServiceDefaults.Defaults.Lifetime;

StartupFailure.EndsWithAMessage();
StartupProblems.ThrowIfAny(Arguments.Problems(args));
var builder = DistributedApplication.CreateBuilder(DashboardAddresses.Complete(args));
var cluster = builder.GetClusterOptions();
builder.CheckOtherSettings(args, ClusterOptions.SectionName, BackplaneOptions.SectionName, ArchiveOptions.SectionName, MonitoringOptions.SectionName, RestartPolicy.SectionName);

var redis = builder.AddBackplane("redis");
if (redis is IResourceBuilder<GarnetServerResource> garnet)
{
    // Nothing works without it, and it has no clients of its own to spread over others: it returns sooner than the services.
    garnet.WithRestartPolicy(RestartPolicy.OfServers);
}

// What steers the cluster is signed with it. Made anew for each run; the target of a published cluster makes or asks for one.
var gatewayKey = builder.AddParameter(
    "gateway-key", new GenerateParameterDefault { MinLength = 43, Special = false }, secret: true, persist: false);

var listeners = new OperatorListeners(builder.Configuration["Admin:KeyFile"]);
var events = builder.AddProject<Projects.SseApp_Events>("events")
    .WithReference(redis)
    .WaitFor(redis)
    .WithReplicas(cluster.Replicas)
    // Every replica listens on a port of its own; a fixed one would serve only the first.
    .WithEndpoint("http", endpoint => endpoint.Port = null)
    .WithEnvironment("Security__GatewayKey", gatewayKey)
    .WithHttpHealthCheck("/health", endpointName: "http")
    .DisableForwardedHeaders()
    .WithLocalSettings()
    .WithUrlForEndpoint("http", url => url.DisplayText = "One replica (picked for each connection)")
    .WithRestartPolicy()
    .WithIconName("Flash");

var archive = builder.AddArchive(events);
if (archive is IResourceBuilder<LocalPostgresResource> postgres)
{
    postgres.WithRestartPolicy(RestartPolicy.OfServers);
}

var gateway = builder.AddProject<Projects.SseApp_Gateway>("gateway")
    .WithReference(redis)
    // Not for the replicas: it would wait at each restart, too, as long as one of them is down. Until the first one is
    // ready it asks clients to reconnect.
    .WaitFor(redis)
    // The gateway binds its port itself: a proxy in front would hide the clients' addresses.
    .WithEndpoint("http", endpoint =>
    {
        endpoint.Port = cluster.FixedGatewayPort;
        endpoint.IsProxied = false;
    })
    .WithExternalHttpEndpoints()
    .WithEnvironment("Security__GatewayKey", gatewayKey)
    .WithIngressHost()
    .WithHttpHealthCheck("/health", endpointName: "http")
    // Whose headers count is for Proxies:Known to say; the platform would believe everybody.
    .DisableForwardedHeaders()
    .WithLocalSettings()
    .WithUrlForEndpoint("http", url => url.DisplayText = "Live console")
    .WithRestartPolicy()
    .WithIconName("Router");

// Here everything is open, as in every Development. A published cluster begins closed, with an issuer of its own: whoever has
// this key makes tokens with the command 'token' of either service, and may set other issuers beside it.
if (builder.ExecutionContext.IsPublishMode)
{
    var tokenKey = builder.AddParameter("token-key", new GenerateParameterDefault { MinLength = 43, Special = false }, secret: true, persist: false);
    events.WithOwnTokens(tokenKey);
    gateway.WithOwnTokens(tokenKey);
}

listeners.AddTo(events, proxied: true);
listeners.AddTo(gateway, proxied: false);
events.WithOperatorCommands(gateway, listeners);
listeners.ShowKey(builder);
builder.AddMonitoring(events, gateway, listeners);

builder.Services.AddHostedService<FailedStarts>();
if (archive is not null)
{
    builder.Services.AddHostedService(services => ActivatorUtilities.CreateInstance<ReplicasFirst>(services, events.Resource));
}

builder.AnnounceWhenReady(gateway, listeners, archive?.Resource);

var run = new StoppedStart(builder);
var application = builder.Build();
StartupProblems.Of(builder).ThrowIfAny();
await run.RunAsync(application);
