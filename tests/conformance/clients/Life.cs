// Copyright: hybridvm.checkpoints contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A checkpoint's life by System.Data.Services.Client: query, AddObject, UpdateObject (a real MERGE), DeleteObject.
// Arguments: service root, user, password, VM's ID, StampId, control API.
using System;
using System.Data.Services.Client;
using System.Data.Services.Common;
using System.Linq;
using System.Net;
using System.Text;

[DataServiceKey("ID", "StampId")]
public class VMCheckpoint
{
    public Guid ID { get; set; }
    public Guid StampId { get; set; }
    public Guid? VMId { get; set; }
    public string Name { get; set; }
    public string Description { get; set; }
    public string VMCheckPointAction { get; set; }
}

public static class Life
{
    static void Settle(string control)
    {
        using (var client = new WebClient())
        {
            client.Headers["Content-Type"] = "application/json";
            client.UploadString(control + "/clock", "{\"advance\": 3600}");
        }
    }

    public static int Main(string[] args)
    {
        var context = new DataServiceContext(new Uri(args[0]));
        context.IgnoreMissingProperties = true;
        string basic = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(args[1] + ":" + args[2]));
        context.SendingRequest += (sender, sent) =>
        {
            sent.RequestHeaders["Authorization"] = basic;
            sent.RequestHeaders["x-ms-principal-id"] = "mono";
        };
        var all = context.CreateQuery<VMCheckpoint>("VMCheckPoints").ToList();
        Console.WriteLine("list " + string.Join(",", all.Select(each => each.Name)));

        var made = new VMCheckpoint { StampId = new Guid(args[4]), VMId = new Guid(args[3]), Name = "by mono", Description = "atom" };
        context.AddObject("VMCheckPoints", made);
        foreach (ChangeOperationResponse answer in context.SaveChanges())
            Console.WriteLine("create " + answer.StatusCode);
        Settle(args[5]);

        made.VMCheckPointAction = "Restore";
        context.UpdateObject(made);
        foreach (ChangeOperationResponse answer in context.SaveChanges())
            Console.WriteLine("restore " + answer.StatusCode);
        Settle(args[5]);

        var read = new DataServiceContext(new Uri(args[0])) { IgnoreMissingProperties = true };
        read.SendingRequest += (sender, sent) =>
        {
            sent.RequestHeaders["Authorization"] = basic;
            sent.RequestHeaders["x-ms-principal-id"] = "mono";
        };
        var again = read.CreateQuery<VMCheckpoint>("VMCheckPoints").ToList().Single(each => each.ID == made.ID);
        Console.WriteLine("read " + again.Name + "," + again.Description);
        context.DeleteObject(made);
        foreach (ChangeOperationResponse answer in context.SaveChanges())
            Console.WriteLine("delete " + answer.StatusCode);
        Settle(args[5]);
        var left = read.CreateQuery<VMCheckpoint>("VMCheckPoints").ToList();
        Console.WriteLine("left " + left.Count(each => each.ID == made.ID));
        return 0;
    }
}
