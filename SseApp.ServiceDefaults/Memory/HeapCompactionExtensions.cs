using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace SseApp.ServiceDefaults.Memory;

internal static class HeapCompactionExtensions
{
    public static void AddHeapCompaction(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<HeapCompactionOptions>()
            .BindConfiguration(HeapCompactionOptions.SectionName).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddHostedService<HeapCompaction>();
    }
}
