namespace SseApp.Tests.Browser;

/// <param name="Order">Place among the page's reports, which may arrive out of order.</param>
/// <param name="At">Milliseconds on the page's clock.</param>
/// <param name="Kind">Type of the event, or <c>message</c> or <c>error</c>.</param>
/// <param name="Data">Data of the event.</param>
/// <param name="Id">The EventSource's last event id.</param>
/// <param name="State">readyState: 0 connecting, 1 open, 2 closed for ever.</param>
internal sealed record PageReport(int Order, double At, string Kind, string? Data, string? Id, int State);
