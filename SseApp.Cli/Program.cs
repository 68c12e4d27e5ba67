using SseApp.Cli;

return await SseTool.RunAsync(args, ToolHost.OfProcess(), CancellationToken.None);
