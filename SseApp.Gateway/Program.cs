using Microsoft.Extensions.Diagnostics.HealthChecks;
using SseApp.Gateway;
using SseApp.ServiceDefaults;
using SseApp.ServiceDefaults.Health;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddRedisClient("redis", settings => settings.DisableHealthChecks = true);

// Without Redis the gateway goes on with the replicas it knows.
builder.AddRedisHealth(HealthStatus.Degraded);
builder.AddGateway();

var app = builder.Build();
app.MapGateway();
app.MapDefaultEndpoints();
await app.RunAsync();
