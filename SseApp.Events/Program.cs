using SseApp.Events;
using SseApp.ServiceDefaults.Cluster.Leases;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Memory;

return await ServiceProgram.RunAsync(
    args,
    builder => builder.AddEvents().AddMemoryGuard(LeaseNames.Reload),
    app => app.MapEvents(),
    AdminOptions.AnyFreePort);
