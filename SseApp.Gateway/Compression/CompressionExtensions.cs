using Microsoft.AspNetCore.ResponseCompression;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Compression;

internal static class CompressionExtensions
{
    private static readonly string[] s_types = ["application/problem+json", "application/x-ndjson", "application/manifest+json", "image/svg+xml"];

    public static void AddCompression(this IServiceCollection services)
    {
        services.AddValidatedOptions<CompressionOptions>(CompressionOptions.SectionName);
        services.AddSingleton<IResponseCompressionProvider, TaggedCompression>();
        services.AddResponseCompression();
        services.AddOptions<ResponseCompressionOptions>().Configure<IOptions<CompressionOptions>>((compression, options) =>
        {
            compression.EnableForHttps = options.Value.OverHttps;
            compression.MimeTypes = [.. ResponseCompressionDefaults.MimeTypes, .. s_types];

            // A compressor holds events back until its block is full.
            compression.ExcludedMimeTypes = [EventStreams.ContentType];
        });
        services.AddOptions<BrotliCompressionProviderOptions>().Configure<IOptions<CompressionOptions>>(
            (brotli, options) => brotli.Level = options.Value.Level);
        services.AddOptions<GzipCompressionProviderOptions>().Configure<IOptions<CompressionOptions>>(
            (gzip, options) => gzip.Level = options.Value.Level);
    }

    /// <summary>
    /// Compresses what follows, but leaves streams alone: even the unused wrapper of the body would cost each of them memory, and one
    /// of results would be held back.
    /// </summary>
    public static void UseCompression(this IApplicationBuilder app)
    {
        if (app.ApplicationServices.GetRequiredService<IOptions<CompressionOptions>>().Value.Enabled)
        {
            app.UseWhen(
                static context => ClientRequest.Of(context) is var request && !request.IsStream && !(request.IsPublish && PublishStreams.IsAsked(context.Request)),
                static branch => branch.UseResponseCompression());
        }
    }
}
