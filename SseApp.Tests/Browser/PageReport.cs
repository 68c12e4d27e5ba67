namespace SseApp.Tests.Browser;

/// <param name="Kind">Type of the event, or <c>message</c> or <c>error</c>.</param>
/// <param name="Data">Data of the event.</param>
/// <param name="Id">The EventSource's last event id.</param>
/// <param name="State">readyState: 0 connecting, 1 open, 2 closed for ever.</param>
internal sealed record PageReport(string Kind, string? Data, string? Id, int State);
