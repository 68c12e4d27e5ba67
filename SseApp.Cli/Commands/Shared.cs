using System.CommandLine.Parsing;
using SseApp.Cli.Gateway;
using SseApp.Cli.Output;

namespace SseApp.Cli.Commands;

/// <summary>Options that several commands have, and what every command does around its own work.</summary>
internal sealed class Shared(ToolHost host)
{
    private readonly HashSet<Symbol> _mayBeEmpty = [];

    public ToolHost Host => host;

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON, one value a line; failures as JSON on standard error.", Recursive = true };

    public Option<string?> OperatorUrl { get; } = new("--url")
    {
        Description = $"The gateway's address for operators. Default: {GatewayAddress.OperatorVariable}, in a gateway's container its own Admin__Urls, else {GatewayAddress.OperatorDefault}.",
        HelpName = "address",
    };

    public Option<string?> KeyFile { get; } = new("--key-file")
    {
        Description = $"File with the operators' key, or a token with the scope sse:admin. Default: {Credential.OperatorVariable}, {Credential.OperatorVariable}_FILE; for this machine's gateway Admin__KeyFile or where a gateway puts it.",
        HelpName = "file",
    };

    public Option<string?> ClientUrl { get; } = new("--url")
    {
        Description = $"The gateway's address for clients. Default: {GatewayAddress.ClientVariable}, in a gateway's container its own ASPNETCORE_URLS or ASPNETCORE_HTTP_PORTS, else {GatewayAddress.ClientDefault}.",
        HelpName = "address",
    };

    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        Description = $"File with a client's token or API key, read again at each connection. Default: {Credential.ClientVariable}, {Credential.ClientVariable}_FILE, else none.",
        HelpName = "file",
    };

    /// <summary>Nothing is a value of it; of all others it is a variable that is not set: "sse drain "$replica"".</summary>
    public void MayBeEmpty(Symbol symbol) => _mayBeEmpty.Add(symbol);

    /// <summary>An argument, or a value of an option, that is empty and may not be: what it is called; null when there is none.</summary>
    public string? Empty(ParseResult parsed) => parsed.CommandResult.Children
        .Where(result => result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
        .Select(result => result switch
        {
            OptionResult option when !_mayBeEmpty.Contains(option.Option) => option.Option.Name,
            ArgumentResult argument when !_mayBeEmpty.Contains(argument.Argument) => $"<{argument.Argument.Name}>",
            _ => null,
        })
        .FirstOrDefault(name => name is not null);

    /// <summary>A command that asks the listener for operators.</summary>
    public Command ForOperators(Command command, Func<ParseResult, GatewayClient, Printer, CancellationToken, Task<int>> run)
    {
        command.Add(OperatorUrl);
        command.Add(KeyFile);
        command.SetAction((parsed, cancellationToken) => GuardedAsync(parsed, async printer =>
        {
            var address = GatewayAddress.OfOperators(parsed.GetValue(OperatorUrl), host.Variable);
            using var client = new GatewayClient(address, () => Credential.OfOperator(parsed.GetValue(KeyFile), address, host.Variable), isForOperators: true);
            return await run(parsed, client, printer, cancellationToken);
        }, cancellationToken));
        return command;
    }

    /// <summary>A command that asks as a client does.</summary>
    public Command ForClients(Command command, Func<ParseResult, GatewayClient, Printer, CancellationToken, Task<int>> run)
    {
        command.Add(ClientUrl);
        command.Add(TokenFile);
        command.SetAction((parsed, cancellationToken) => GuardedAsync(parsed, async printer =>
        {
            var address = GatewayAddress.OfClients(parsed.GetValue(ClientUrl), host.Variable);
            using var client = new GatewayClient(address, () => Credential.OfClient(parsed.GetValue(TokenFile), host.Variable), isForOperators: false);
            return await run(parsed, client, printer, cancellationToken);
        }, cancellationToken));
        return command;
    }

    /// <summary>A command that asks nobody.</summary>
    public Command Alone(Command command, Func<ParseResult, Printer, int> run)
    {
        command.SetAction((parsed, cancellationToken) => GuardedAsync(parsed, printer => Task.FromResult(run(parsed, printer)), cancellationToken));
        return command;
    }

    /// <summary>Says what went wrong, and how the program ends then.</summary>
    public int Fail(ToolException failure, bool isJson)
    {
        var text = isJson
            ? Printer.ToJson(json =>
            {
                json.WriteStartObject();
                json.WriteStartObject("error"u8);
                json.WriteNumber("exitCode"u8, failure.Code);
                json.WriteString("reason"u8, failure.Reason);
                json.WriteString("message"u8, failure.Message);
                json.WriteEndObject();
                json.WriteEndObject();
            })
            : $"sse: {SafeText.Of(failure.Message)}";
        try
        {
            host.Error.WriteLine(text);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The exit code has to do.
        }

        return failure.Code;
    }

    private async Task<int> GuardedAsync(ParseResult parsed, Func<Printer, Task<int>> run, CancellationToken cancellationToken)
    {
        var isJson = parsed.GetValue(Json);
        try
        {
            return await run(new Printer(host, isJson));
        }
        catch (ToolException failure)
        {
            return Fail(failure, isJson);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
    }
}
