using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Clients;

/// <summary>Which client an address is, and what that client may have: section <c>Limits</c>, ready to be looked up.</summary>
internal sealed class ClientTable
{
    private readonly int _prefixLength;
    private readonly ClientBudget _general;
    private readonly (AddressList Addresses, ClientBudget Budget)[] _named;

    public ClientTable(IOptions<LimitsOptions> options)
    {
        var limits = options.Value;
        _prefixLength = limits.IPv6PrefixLength;
        _general = limits.Budget;
        _named = [.. limits.Clients.Select(client => (AddressList.Parse(nameof(client.Addresses), [.. client.Addresses]), client.BudgetOf(limits)))];
    }

    /// <summary>Sets who sent the request.</summary>
    public void Identify(ClientRequest request, IPAddress? address)
    {
        request.Client = ClientKey.OfAddress(address, _prefixLength);
        (request.Account, request.Budget, _) = Find(address, request.Client);
    }

    /// <summary>What the address is counted by, what it may have, and whether configuration names it.</summary>
    public (ClientKey Account, ClientBudget Budget, bool Named) Find(IPAddress address) => Find(address, ClientKey.OfAddress(address, _prefixLength));

    private (ClientKey Account, ClientBudget Budget, bool Named) Find(IPAddress? address, ClientKey client)
    {
        if (address is not null)
        {
            for (var i = 0; i < _named.Length; i++)
            {
                if (_named[i].Addresses.Contains(address))
                {
                    return (ClientKey.OfNamed(i), _named[i].Budget, true);
                }
            }
        }

        return (client, _general, false);
    }
}
