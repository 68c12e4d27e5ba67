namespace SseApp.AppHost.Operations;

/// <summary>What a command reports of a reload, from the gateway's <c>/admin/reload</c>.</summary>
internal sealed record ReloadInfo(string Id, string State, string Detail, ReloadStepInfo[] Steps);
