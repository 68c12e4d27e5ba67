using System.Text.Json;

namespace SseApp.Events.Publishing;

/// <summary>One item of a batch; <c>data</c> is text, or any other JSON value which is then published as its JSON text.</summary>
internal sealed record BatchItem
{
    public string? Topic { get; init; }

    public string[]? Topics { get; init; }

    public string? Event { get; init; }

    public JsonElement Data { get; init; }

    public string? IdempotencyKey { get; init; }

    public string? Key { get; init; }
}
