using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Defaults.Memory;

internal static class HeapCompactionExtensions
{
    public static void AddHeapCompaction(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<HeapCompactionOptions>(HeapCompactionOptions.SectionName);
        builder.Services.AddHostedService<HeapCompaction>();
    }
}
